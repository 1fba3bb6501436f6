"""`check_handshake`: a handshake in both roles, undisturbed and disturbed in every way that a line knows."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import RemoteError, UnknownPeer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.limits import KIB
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.testing.attempts import CLIENT, SERVER, Attempts, Change, Course, Judge
from plytalk.testing.cutting import byte_by_byte, flipped, places, randomly, seeded, whole
from plytalk.testing.others import check_layer
from plytalk.testing.parts import PlainFrames, TypedFrames
from plytalk.testing.verdict import demand, demand_silence, idle, judged, run, told, within

MAX_FRAME = 8 * KIB
PLACES = 32
"""How many bytes of each frame get a flipped bit."""


@judged
def check_handshake(
    make: Callable[[], Handshake],
    server: Callable[[], Handshake] | None = None,
    *,
    cipher: Callable[[SessionSecrets, Role], Cipher] | None = None,
    framers: Sequence[Callable[[], HeaderFramer]] = (TypedFrames, PlainFrames),
) -> None:
    """Hold a handshake to its contract, in both roles. Raises AssertionError.

    `make` gives the client's, and the server's too unless `server` does. `cipher` is one for its secrets, needed where they
    are not plain keys. `framers` are those it works with.
    """
    client = make()
    check_layer(type(client))
    if Property.PEER_KEY in client.gives:
        demand(client.shows, "The handshake gives PEER_KEY, but `shows` names no role whose key the other side sees.")
    run(lambda: _check(client, (server or make)(), cipher, framers))


async def _check(
    client: Handshake,
    server: Handshake,
    cipher: Callable[[SessionSecrets, Role], Cipher] | None,
    framers: Sequence[Callable[[], HeaderFramer]],
) -> None:
    for role, handshake in ((CLIENT, client), (SERVER, server)):
        await prepare(handshake, role, _nobody)
    for framer in framers:
        attempts = Attempts(client, server, framer)
        for cut in (whole, byte_by_byte, randomly(1), randomly(2)):
            course = await attempts.once(cut)
            _agrees(course, client, cipher)
            _leaves_what_follows(course)
        _asks(course, client)
        for role in Role:
            if role.other in client.shows:
                await _obeys_a_no(attempts, role)
        await _keeps_conversations_apart(attempts, cipher)
        await _survives_the_line(attempts, course)
        for role in Role:
            await _is_interrupted(attempts, role)


def _nobody(prompt: str) -> str:
    raise UnknownPeer(f"{prompt} Nobody can be asked here.")


def _agrees(course: Course, handshake: Handshake, cipher: Callable[[SessionSecrets, Role], Cipher] | None) -> None:
    client, server = course.secrets
    demand(
        client.send == server.receive and client.receive == server.send,
        "The two ends are left with different keys: what the client sends with is what the server receives with.",
    )
    if Property.KEYS in handshake.gives and not client.states:
        demand(client.send and client.receive, "The handshake claims KEYS and leaves none.")
    if Property.DIRECTION_KEYS in handshake.gives and not client.states:
        demand(client.send != client.receive, "The handshake claims DIRECTION_KEYS and leaves one key for both directions.")
    demand(client.transcript == server.transcript, "The two ends have different transcripts, so nothing can be bound to them.")
    demand(client.suite == server.suite, "The two ends agreed on different suites.")
    if cipher:
        ours, theirs = cipher(client, CLIENT), cipher(server, SERVER)
        demand(
            theirs.open(ours.seal(b"there")) == b"there" and ours.open(theirs.seal(b"back")) == b"back",
            "What one end seals with its secrets, the other cannot open.",
        )


def _leaves_what_follows(course: Course) -> None:
    for role, io in course.wires.items():
        came = [payload for _, payload in io.framer.frames()]
        demand(
            came == [b"said at once by the " + role.other.value.encode()],
            f"What the {role.other.value} says right behind the handshake is lost at the {role.value}: `receive` no more frames "
            "than the handshake has.",
        )


def _asks(course: Course, handshake: Handshake) -> None:
    for role, io in course.wires.items():
        demand(
            bool(io.asked) == (role.other in handshake.shows),
            f"The {role.value} " + ("asks" if io.asked else "does not ask") + f" about the {role.other.value}'s key, but `shows` "
            "says otherwise: call `await io.ask(Identity(...))` at the side that sees a key, and name its owner in `shows`.",
        )
        demand(
            not io.sent_before_asking,
            f"The {role.value} answers the {role.other.value}'s key before it asks about it: ask before a secret byte leaves.",
        )
        demand(all(identity.key and identity.algorithm for identity in io.asked), "`ask` is called with an empty identity.")
        demand(
            all(0 < limit <= MAX_FRAME for limit in io.limits),
            f"The {role.value} accepts frames of {max(io.limits, default=0):,} bytes from a stranger: `receive` with the "
            f"limit that the message really needs, {MAX_FRAME:,} at most.",
        )


async def _obeys_a_no(attempts: Attempts, role: Role) -> None:
    course = await attempts.once(no=role)
    demand(
        isinstance(course.results[role], RemoteError),
        f"The {role.value} goes on although the key was refused: let what `wire.ask` raises pass, and await it.",
    )
    demand(
        course.wires[role].sent_after_no == 0,
        f"The {role.value} sends something after the key was refused. Ask before the first secret byte leaves.",
    )


async def _keeps_conversations_apart(attempts: Attempts, cipher: Callable[[SessionSecrets, Role], Cipher] | None) -> None:
    handshake = attempts.ends[CLIENT]
    courses = await asyncio.gather(*(attempts.once(randomly(seed)) for seed in range(3)))
    for course in courses:
        _agrees(course, handshake, cipher)
    alone = [await attempts.once() for _ in range(2)]
    demand(
        len(different(courses)) == 3 or len(different(alone)) == 1,
        "Conversations at one time get the same keys: keep what belongs to one in local variables; one object serves all.",
    )
    if Property.FORWARD_SECRECY in handshake.gives:
        demand(len(different(alone)) == 2, "The handshake claims FORWARD_SECRECY, and two conversations had the same secrets.")
    for end in attempts.ends.values():
        for course in (*courses, *alone):
            for secrets in course.secrets:
                demand_silence(repr(end), secrets, "the handshake's repr")


def different(courses: Sequence[Course]) -> set[bytes]:
    return {secrets.transcript + secrets.send for secrets, _ in (course.secrets for course in courses)}


async def _survives_the_line(attempts: Attempts, good: Course) -> None:
    for sender, frames in good.frames.items():
        for index, (kind, payload) in enumerate(frames[:-1]):  # the last is the conversation's first
            for change in _changes(kind, payload):
                course = await attempts.once(change=change, sender=sender, index=index)
                _fails_in_words(course, sender, change.fatal)


def _changes(kind: FrameKind, payload: bytes) -> list[Change]:
    other = b"Z" if kind != b"Z" else b"Y"
    random = seeded(len(payload))

    def of_payload(change: Callable[[bytes], bytes]) -> Change:
        return Change(lambda framer, kind, payload: framer.encode(kind, change(payload)))

    def announce(framer: HeaderFramer, kind: FrameKind, payload: bytes) -> bytes:
        return framer.encode(kind, bytes(2**21))[: framer.header.size]

    def half(framer: HeaderFramer, kind: FrameKind, payload: bytes) -> bytes:
        frame = framer.encode(kind, payload)
        return frame[: len(frame) // 2]

    return [
        *(of_payload(partial(_flip, at, random.randrange(8))) for at in places(len(payload), PLACES)),
        of_payload(lambda payload: b""),
        of_payload(lambda payload: payload[:-1]),
        of_payload(lambda payload: payload + b"\0"),
        of_payload(lambda payload: bytes(len(payload))),
        of_payload(lambda payload: random.randbytes(len(payload))),
        of_payload(lambda payload: random.randbytes(MAX_FRAME)),
        Change(lambda framer, kind, payload: framer.encode(other if framer.typed else kind, payload if framer.typed else b"\0")),
        Change(announce, "a frame of two million bytes, of which only the header comes,"),
        Change(half, "half a frame, and no more after it,", ends=True),
        Change(lambda framer, kind, payload: b"", "the end of the connection in the middle of the handshake", ends=True),
    ]


def _flip(at: int, bit: int, payload: bytes) -> bytes:
    return flipped(payload, at * 8 + bit)


def _fails_in_words(course: Course, sender: Role, fatal: str) -> None:
    for role, result in course.results.items():
        if isinstance(result, SessionSecrets):
            demand(not fatal or role is sender, f"The {role.value} takes {fatal} for a handshake that succeeded.")
            continue
        if not isinstance(result, RemoteError):
            raise AssertionError(
                f"Something unexpected from the other side makes the {role.value} raise {type(result).__name__}: raise "
                "HandshakeFailed for whatever is wrong with it."
            ) from result
        for secrets in course.results.values():
            if isinstance(secrets, SessionSecrets):
                demand_silence(told(result), secrets, "the text of an error")


async def _is_interrupted(attempts: Attempts, role: Role) -> None:
    stream, other = memory_stream_pair()
    io = Judge(TypedFrames(), stream, False)
    stream.deliver_to(io.feed, io.ended)
    talking = attempts.start(role, io)
    await idle()
    talking.cancel()
    await within(asyncio.wait({talking}), f"The {role.value} does not end when it is cancelled: let CancelledError pass.")
    stream.close()
    other.close()
    if not talking.cancelled() and (error := talking.exception()):
        raise AssertionError(
            f"The {role.value} raises {type(error).__name__} when it is cancelled: let CancelledError pass."
        ) from error
