"""Checks of the smaller kinds: what every layer says of itself, messages, authenticators and UIs."""

import asyncio
import contextlib
import io
from collections.abc import Callable

from msgspec.structs import replace

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChatError, RemoteError, UnknownPeer
from plytalk.core.contracts.events import Message, Sender, notify, now
from plytalk.core.contracts.items import Close, Item, is_exit
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.ui import Ui
from plytalk.core.registry.validation import fault_of
from plytalk.testing.batch_forms import check_messages_batch
from plytalk.testing.byte_spans import check_spans
from plytalk.testing.cutting import cuts, seeded
from plytalk.testing.endpoints import open_ends, stack_of
from plytalk.testing.offers import check_offers
from plytalk.testing.verdict import demand, idle, judged, run, within

SAID = ["hello", "exit strategy", "Grüße, 世界 👋", "a\tb", "x" * 5000, "ok"]
HOSTILE = ["\x1b[2J\x1b]0;owned\x07", "\x9b31m", "\r\x08", "\u202egnp.exe", "\ud800", "a" + "\u0301" * 100, "", "\0", "\x7f"]


@judged
def check_layer(layer: type[Layer]) -> None:
    """Hold what a layer says of itself, and what it offers besides, to the contract. Raises AssertionError."""
    fault = fault_of(layer, "layers")
    demand(not fault, f"{fault}")
    demand(layer.summary() != layer.name, f"The {layer.kind} `{layer.name}` has no docstring: its first line is what users read.")
    words = " ".join(option.help for option in layer.options) + layer.caution + layer.summary()
    demand(words.isprintable(), "The docstring's first line, `caution` and the options' help must be printable text.")
    check_offers(layer)


@judged
def check_messages(make: Callable[[bool], Messages]) -> None:
    """Hold messages to their contract. `make(boundaries)` gives new ones, as for one conversation. Raises AssertionError."""
    messages = make(True)
    check_layer(type(messages))
    said: list[Item] = [text for text in map(messages.prepare, SAID) if text is not None]
    for plaintext in make(True).pack([*said, Close()]):
        check_spans(messages, plaintext)
    for items in ([*said], [*said[:1]]):
        sender, receiver = make(True), make(True)
        came = [item for plaintext in sender.pack(items) for item in receiver.unpack(plaintext)]
        demand(came == items, f"What was said does not come back as it was: {items!r:.60} became {came!r:.60}.")
    sender, receiver = make(True), make(True)
    goodbye = [item for plaintext in sender.pack([Close()]) for item in receiver.unpack(plaintext)]
    demand(
        len(goodbye) == 1 and isinstance(goodbye[0], Close), "`Close` does not come back as `Close`: the chat would never end."
    )
    check_messages_batch(make)
    _survives_garbage(make)
    if Property.BOUNDARIES not in messages.needs:
        _survives_cuts(make)


def _survives_garbage(make: Callable[[bool], Messages]) -> None:
    random = seeded(3)
    for length in (*range(40), 300):
        for boundaries in (True, False):
            garbage = random.randbytes(length)
            try:
                list(make(boundaries).unpack(garbage))
            except RemoteError:
                pass
            except Exception as error:
                raise AssertionError(
                    f"Garbage makes `unpack` raise {type(error).__name__}: a peer can send anything. Raise a RemoteError, or "
                    "give what could be read as `Undecodable`."
                ) from error


def _survives_cuts(make: Callable[[bool], Messages]) -> None:
    said = "".join(text for text in SAID if not is_exit(text))
    plaintext = b"".join(make(False).pack([said]))
    for pieces in cuts(plaintext, seeds=3):
        messages = make(False)
        came = "".join(str(item) for piece in pieces for item in messages.unpack(piece))
        demand(came == said, "Without boundaries a character may be cut in two: keep its beginning until the rest comes.")


@judged
def check_authenticator(make: Callable[[], Authenticator], right: Identity, wrong: Identity) -> None:
    """Hold an authenticator to its contract. `make` gives a new one that has never seen anybody or anything.

    `right` is a key that it accepts, at least once a person has said yes; `wrong` one that it then refuses. Raises
    AssertionError.
    """
    check_layer(type(make()))
    if type(make()).check is Authenticator.check:
        return  # `agree` and `verify` need a conversation: see `open_ends`
    for role in make().judges:
        run(lambda role=role: _judges(make, role, right, wrong))  # type: ignore[misc]


async def _judges(make: Callable[[], Authenticator], role: Role, right: Identity, wrong: Identity) -> None:
    async def yes(question: str, otherwise: str) -> bool:
        return True

    async def no(question: str, otherwise: str) -> bool:
        asked.append(question)
        return False

    async def nobody(question: str, otherwise: str) -> bool:
        asked.append(question)
        raise UnknownPeer(question, otherwise)

    async def broken(question: str, otherwise: str) -> bool:
        asked.append(question)
        raise RuntimeError("no terminal")

    async def refuses(auth: Authenticator, identity: Identity, ask: Callable[..., object]) -> bool:
        try:
            await auth.check(Peer(role, "192.0.2.1:8000", identity, ask, say=lambda sentence: None))  # type: ignore[arg-type]
        except ChatError:
            return True
        except RuntimeError:
            return ask is broken
        return False

    for ask, when in ((no, "the person says no"), (nobody, "nobody can be asked"), (broken, "asking fails")):
        asked: list[str] = []
        accepted = not await refuses(make(), right, ask)
        demand(
            not (accepted and asked), f"A key is accepted although {when}: await `peer.confirm` and raise unless it gives True."
        )
    auth = make()
    demand(not await refuses(auth, right, yes), "The right key is refused, although the person says yes.")
    demand(await refuses(auth, wrong, nobody), "A wrong key is accepted: raise ChangedPeer, UnknownPeer or Refused.")
    demand(not await refuses(auth, right, yes), "The right key is refused at the second sight, after a wrong one came.")


@judged
def check_ui(make: Callable[[], Ui]) -> None:
    """Hold a UI to its contract, as far as that goes without a person. Raises AssertionError."""
    check_layer(type(make()))
    run(lambda: _shows(make()))
    run(lambda: _is_interrupted(make()))


async def _shows(ui: Ui) -> None:
    shown, aside = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(aside):
        for text in HOSTILE if ui.raw else SAID:
            ui.show(Message(id=ui.next_id(), time=now(), sender=Sender(), text=text))
            notify(ui, "Something happened.")
        with contextlib.suppress(UnknownPeer):
            answer = await within(ui.answer(Question(1, "Trust this key?")), "`answer` waits for ever where nobody can be asked.")
            demand(
                answer is None or isinstance(answer, str),
                f"`answer` gives {answer!r}: give the line that was typed, or None at the end of input, or raise UnknownPeer.",
            )
        await asyncio.sleep(0)
    if ui.raw:
        bad = {character for character in shown.getvalue() if not character.isprintable() and character != "\n"}
        demand(
            not bad,
            f"The UI says `raw`, so texts come as the peer sent them, and prints {sorted(bad)!r}: escape control characters.",
        )


async def _is_interrupted(ui: Ui) -> None:
    async with open_ends(replace(stack_of(), ui=ui), stack_of()) as (side, _):
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            running = asyncio.create_task(ui.run(side.session))
            await idle()
            running.cancel()
            await within(asyncio.wait({running}), "`run` does not end when it is cancelled: let CancelledError pass.")
            if not running.cancelled() and (error := running.exception()):
                raise AssertionError(f"`run` raises {type(error).__name__} when it is cancelled.") from error
