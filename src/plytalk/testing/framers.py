"""`check_framer`: a framer before a network that cuts as it likes, and before a peer that sends what it likes."""

from collections.abc import Callable, Iterable

from plytalk.core.contracts.errors import BadFrame, FrameTooLong, LocalError
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.layer import Frame
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.properties import Property
from plytalk.testing.batch_forms import check_framer_batch
from plytalk.testing.byte_spans import check_spans
from plytalk.testing.cutting import cuts, randomly, seeded
from plytalk.testing.others import check_layer
from plytalk.testing.verdict import demand, judged

SENT: list[tuple[bytes, bytes]] = [
    (b"K", b"key"),
    (b"S", b""),
    (b"M", b"\x00"),
    (b"M", b"\n"),
    (b"M", bytes(range(250))),
    (b"M", b"\xff" * 40),
]
LIMIT = 8 * KIB


@judged
def check_framer(make: Callable[[], Framer]) -> None:
    """Hold a framer to its contract. `make` gives a new one at each call. Raises AssertionError."""
    framer = make()
    check_layer(type(framer))
    for kind, payload in SENT:
        check_spans(framer, framer.encode(kind, payload), kind)
    _begins_empty(make)
    if Property.BOUNDARIES in framer.gives:
        _keeps_boundaries(make)
        _gives_one_at_a_time(make)
        _counts_what_it_holds(make)
        _refuses_what_is_too_long(make)
        _says_what_it_cannot_carry(make)
        check_framer_batch(make, SENT)
    else:
        _keeps_bytes(make)
    _survives_garbage(make)


def fed(framer: Framer, pieces: Iterable[bytes]) -> list[Frame]:
    """What comes out for pieces fed one after the other, from a buffer that is written over as soon as the piece is fed."""
    frames: list[Frame] = []
    for piece in pieces:
        buffer = bytearray(piece)
        framer.feed(memoryview(buffer))
        buffer[:] = bytes(len(piece))
        frames += framer.frames()
    return frames


def _begins_empty(make: Callable[[], Framer]) -> None:
    framer, other = make(), make()
    demand(framer.unfinished == 0 and not list(framer.frames()), "A new framer holds something before anything was fed.")
    framer.feed(framer.encode(*SENT[0])[:-1])
    demand(
        other.unfinished == 0 and not list(other.frames()) and make().unfinished == 0,
        "What was fed to one framer turned up in another: keep the buffer on `self`, made in `__init__`, not on the class.",
    )


def _keeps_boundaries(make: Callable[[], Framer]) -> None:
    stream = b"".join(make().encode(kind, payload) for kind, payload in SENT)
    for pieces in cuts(stream):
        came = fed(make(), pieces)
        demand(
            [payload for _, payload in came] == [payload for _, payload in SENT],
            f"Frames do not survive being cut into {len(pieces)} pieces: {len(SENT)} sent, {len(came)} came, or other bytes: "
            "`feed` must copy what it keeps (its buffer is used again), and `frames` must wait for the rest of a frame.",
        )
        kinds = [kind for kind, _ in came]
        demand(
            kinds == [kind for kind, _ in SENT] or kinds == [None] * len(SENT),
            f"Frames come with other kinds than they were sent with: {kinds}. Give back the kind, or None where it is not sent.",
        )
        demand(
            all(isinstance(payload, bytes) for _, payload in came),
            "`frames` gives payloads that are not `bytes`: copy them out of the buffer.",
        )


def _gives_one_at_a_time(make: Callable[[], Framer]) -> None:
    framer = make()
    framer.feed(b"".join(framer.encode(kind, payload) for kind, payload in SENT))
    came = []
    while (frame := next(iter(framer.frames()), None)) is not None:
        came.append(frame[1])
        demand(len(came) <= len(SENT), "`frames` gives the same frame twice: move on before each `yield`.")
    demand(
        came == [payload for _, payload in SENT],
        "A frame that was not taken is lost: cut frames only when they are asked for, and keep the others for the next call. "
        "What follows the last message of a handshake belongs to the conversation.",
    )


def _counts_what_it_holds(make: Callable[[], Framer]) -> None:
    framer = make()
    frame = framer.encode(*SENT[-1])
    framer.feed(frame + frame[:-1])
    demand(
        framer.unfinished, "`unfinished` is 0 while bytes wait: a peer could fill the memory, and a cut connection look whole."
    )
    list(framer.frames())
    demand(framer.unfinished, "`unfinished` is 0 with half a frame fed: a connection cut there would pass for a clean end.")
    framer.feed(frame[-1:])
    list(framer.frames())
    demand(
        framer.unfinished == 0, "`unfinished` is not 0 when all frames were taken: a clean end would pass for a cut connection."
    )


def _refuses_what_is_too_long(make: Callable[[], Framer]) -> None:
    framer = make()
    framer.limit = LIMIT
    try:
        longest = make().encode(b"M", bytes(LIMIT))
        fed(framer, [longest])
    except FrameTooLong:
        raise AssertionError("A frame of exactly `limit` bytes is refused: refuse what is longer than `limit`.") from None
    except LocalError:
        return  # it cannot even be said
    try:
        long = make().encode(b"M", bytes(4 * LIMIT))
        other = make().encode(b"M", b"\xff" * (4 * LIMIT))
    except LocalError:
        return
    overhead = len(long) - 4 * LIMIT
    header = next((at for at in range(len(long)) if long[at] != other[at]), 0)
    allowed = header if header and long[:header] != longest[:header] else LIMIT + overhead
    framer = make()
    framer.limit = LIMIT
    for at in range(len(long)):
        try:
            fed(framer, [long[at : at + 1]])
        except FrameTooLong:
            refused = at + 1
            break
    else:
        refused = len(long) + 1
    demand(
        refused <= allowed + 1,
        f"A frame of {4 * LIMIT:,} bytes with a limit of {LIMIT:,} is "
        + ("accepted" if refused > len(long) else "refused late")
        + f": raise FrameTooLong by byte {allowed}, when the header says so, before anything of that size is read or allocated.",
    )


def _says_what_it_cannot_carry(make: Callable[[], Framer]) -> None:
    for size in (255, 256, 65535, 65536, 70000):
        framer = make()
        framer.limit = 2 * size
        payload = seeded(size).randbytes(size)
        try:
            frame = framer.encode(b"M", payload)
        except LocalError:
            continue
        except Exception as error:
            raise AssertionError(
                f"`encode` raises {type(error).__name__} for {size:,} bytes: raise LocalError where a frame cannot be that long."
            ) from error
        demand(
            [came for _, came in fed(framer, randomly(size)(frame))] == [payload],
            f"A frame of {size:,} bytes does not come back as it was: raise LocalError in `encode` where it cannot be carried.",
        )


def _keeps_bytes(make: Callable[[], Framer]) -> None:
    sent = b"".join(payload for _, payload in SENT)
    for pieces in cuts(sent):
        framer = make()
        came = fed(framer, pieces)
        demand(
            b"".join(payload for _, payload in came) == sent, "Bytes are lost, added or changed. `feed` must copy what it keeps."
        )
        demand(not any(kind for kind, _ in came), "A framer without boundaries cannot know kinds: give None.")
        demand(framer.unfinished == 0, "`unfinished` is not 0 when everything was taken.")
    demand(
        b"".join(make().encode(kind, payload) for kind, payload in SENT) == sent,
        "`encode` adds bytes that `frames` gives back as if they had been said.",
    )


def _survives_garbage(make: Callable[[], Framer]) -> None:
    random = seeded(1)
    for length in (*range(40), 200, 3000):
        for seed in range(5):
            garbage = random.randbytes(length)
            framer = make()
            try:
                fed(framer, randomly(seed)(garbage))
                held = framer.unfinished
            except (FrameTooLong, BadFrame):
                continue
            except Exception as error:
                raise AssertionError(
                    f"Garbage ({garbage[:40].hex(' ')}) makes the framer raise {type(error).__name__}: a peer can send anything. "
                    "Raise BadFrame for what is not a frame, FrameTooLong for what is too long, and nothing else."
                ) from error
            demand(0 <= held <= length, f"`unfinished` is {held} after {length} bytes.")
