"""The smaller checks accept what keeps the contract, and name what breaks it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

import pytest

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChangedPeer, Refused
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.items import Item
from plytalk.core.contracts.layer import Layer, Option
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Identity, Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.questions import Question
from plytalk.core.contracts.ui import Ui
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.testing import RecordingUi, check_authenticator, check_layer, check_messages, check_ui
from plytalk.testing.parts import PlainWords

RIGHT, WRONG = Identity("test", b"right"), Identity("test", b"wrong")


class Blink(Feature):
    """Blinks when somebody speaks."""

    name = "blink"
    options = (Option("blink-times", "How often.", int),)

    def __init__(self, blink_times: int = 1) -> None:
        self.times = blink_times


class Unexplained(Feature):
    name = "unexplained"


class Boastful(Feature):
    """Gives what nobody knows."""

    name = "boastful"
    gives = {"happiness"}  # type: ignore[assignment]


class Garish(Feature):
    """\x1b[31mRed."""

    name = "garish"


class NoKind(Layer):
    """Is of no kind."""

    name = "nothing"


def test_a_layer_that_says_who_it_is_passes() -> None:
    check_layer(Blink)


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Unexplained, "has no docstring"),
        (Boastful, "not a set of Property"),
        (Garish, "cannot be printed"),
        (NoKind, "does not derive from a kind of layer"),
    ],
)
def test_a_layer_that_does_not_fails_in_words(layer: type[Layer], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_layer(layer)


# -- messages -------------------------------------------------------------------------------------------------------------


class Shouts(PlainWords):
    """Changes what is said."""

    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        return [plaintext.upper() for plaintext in super().pack(items)]


class ForgetsTheEnd(PlainWords):
    """Never says goodbye."""

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        return [plaintext.decode(errors="replace")]


class Strict(PlainWords):
    """Lets UnicodeDecodeError out."""

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        plaintext.decode()
        return super().unpack(plaintext)


class CutsCharacters(PlainWords):
    """Reads each piece on its own."""

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        return super().unpack(plaintext) if self.boundaries else [plaintext.decode(errors="replace")]


def test_messages_that_come_back_pass() -> None:
    check_messages(PlainWords)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Shouts, "does not come back as it was"),
        (ForgetsTheEnd, "`Close` does not come back"),
        (Strict, "makes `unpack` raise UnicodeDecodeError"),
        (CutsCharacters, "cut in two"),
    ],
)
def test_weakened_messages_fail_in_words(make: type[Messages], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_messages(make)


# -- authenticators -------------------------------------------------------------------------------------------------------


class Remembers(Authenticator):
    """Asks at first sight, and wants the same key ever after."""

    name = "remembers"
    needs = {Property.PEER_KEY}
    gives = {Property.PEER_IDENTITY}

    def __init__(self) -> None:
        self.seen: Identity | None = None

    async def check(self, peer: Peer) -> None:
        if self.seen is None:
            if not await peer.confirm("Trust it?", "--yes"):
                raise Refused
            self.seen = peer.identity
        elif self.seen != peer.identity:
            raise ChangedPeer


class Fixed(Authenticator):
    """Wants one key, and asks nobody."""

    name = "fixed"
    judges = {Role.INITIATOR}

    async def check(self, peer: Peer) -> None:
        if peer.identity != RIGHT:
            raise Refused


class Later(Authenticator):
    """Judges when the handshake is done."""

    name = "later"

    async def verify(self, channel: object, peer: Peer) -> None:
        raise Refused


class TrustsAnybody(Remembers):
    """Says yes to all."""

    async def check(self, peer: Peer) -> None:
        await peer.confirm("Trust it?", "--yes")


class TakesSilenceForAYes(Remembers):
    """Goes on where nobody can be asked."""

    async def check(self, peer: Peer) -> None:
        try:
            await super().check(peer)
        except (Refused, ChangedPeer):
            raise
        except Exception:
            self.seen = peer.identity


class ForgetsTheKey(Remembers):
    """Takes whatever came last."""

    async def check(self, peer: Peer) -> None:
        if self.seen is None:
            await super().check(peer)
        self.seen = peer.identity


class RefusesAll(Remembers):
    """Trusts nobody."""

    async def check(self, peer: Peer) -> None:
        raise Refused


@pytest.mark.parametrize("make", [Remembers, Fixed, Later])
def test_an_authenticator_that_refuses_passes(make: Callable[[], Authenticator]) -> None:
    check_authenticator(make, RIGHT, WRONG)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (TrustsAnybody, "although the person says no"),
        (TakesSilenceForAYes, "although nobody can be asked"),
        (ForgetsTheKey, "A wrong key is accepted"),
        (RefusesAll, "The right key is refused"),
    ],
)
def test_a_weakened_authenticator_fails_in_words(make: Callable[[], Authenticator], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_authenticator(make, RIGHT, WRONG)


# -- UIs ------------------------------------------------------------------------------------------------------------------


class Escaping(RecordingUi):
    """Escapes what is shown."""

    raw = True

    def message(self, text: str) -> None:
        print(ascii(text))


class Raw(RecordingUi):
    """Shows what comes, as it comes."""

    raw = True

    def message(self, text: str) -> None:
        print(text.encode(errors="replace").decode())


class Deaf(RecordingUi):
    """Goes on when it is cancelled."""

    async def run(self, session: DirectChat) -> None:
        try:
            await super().run(session)
        except asyncio.CancelledError:
            raise ValueError from None


class SaysPerhaps(RecordingUi):
    """Neither yes nor no."""

    async def answer(self, question: Question) -> str | None:
        return True  # type: ignore[return-value]


@pytest.mark.parametrize("make", [RecordingUi, Escaping])
def test_a_ui_that_keeps_its_contract_passes(make: Callable[[], Ui]) -> None:
    check_ui(make)


@pytest.mark.parametrize(
    ("make", "words"),
    [(Raw, "escape control characters"), (Deaf, "`run` raises ValueError"), (SaysPerhaps, "give the line that was typed")],
)
def test_a_weakened_ui_fails_in_words(make: Callable[[], Ui], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_ui(make)
