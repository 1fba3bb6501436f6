"""`check_handshake` accepts what keeps the contract, and names what breaks it."""

import asyncio
import os
from contextlib import suppress

import pytest

from plytalk.core.contracts.errors import HandshakeFailed, Refused
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.testing import GivenKeys, check_handshake


class Shown(Handshake):
    """The server shows a key; the client sends the session key for everyone to read."""

    name = "shown"
    needs = {Property.BOUNDARIES}
    gives = {Property.KEYS, Property.PEER_KEY}
    shows = {Role.RESPONDER}
    max_frame = 64

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        await self.judge(io, await io.receive(b"K", self.max_frame))
        key = os.urandom(32)
        await io.send(b"S", key)
        return SessionSecrets.shared(key)

    async def judge(self, io: HandshakeIO, key: bytes) -> None:
        if len(key) != 32:
            raise HandshakeFailed("The server's key is not 32 bytes long.")
        await io.ask(Identity("test", key))

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        await io.send(b"K", bytes(32))
        return self.take(await io.receive(b"S", self.max_frame))

    def take(self, key: bytes) -> SessionSecrets:
        if len(key) != 32:
            raise HandshakeFailed("The session key is not 32 bytes long.")
        return SessionSecrets.shared(key)


class Nothing(Handshake):
    """Says nothing at all."""

    name = "nothing"

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        return SessionSecrets.none()

    respond = initiate


@pytest.mark.parametrize("make", [Shown, GivenKeys, Nothing])
def test_a_handshake_that_keeps_its_contract_passes(make: type[Handshake]) -> None:
    check_handshake(make)


async def test_it_may_be_checked_where_a_loop_runs_already() -> None:
    check_handshake(Shown)


class AsksTooLate(Shown):
    """The key is on its way before anybody was asked."""

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        shown = await io.receive(b"K", self.max_frame)
        key = os.urandom(32)
        await io.send(b"S", key)
        await self.judge(io, shown)
        return SessionSecrets.shared(key)


class GoesOnAfterANo(Shown):
    """Swallows the refusal."""

    async def judge(self, io: HandshakeIO, key: bytes) -> None:
        try:
            await super().judge(io, key)
        except Refused:
            await io.send(b"X", b"really?")
            raise


class DoesNotAsk(Shown):
    """Shows a key that nobody judges."""

    async def judge(self, io: HandshakeIO, key: bytes) -> None:
        if len(key) != 32:
            raise HandshakeFailed


class DoesNotSayWhoseKey(Shown):
    """Forgets `shows`."""

    shows = frozenset()


class TakesANoForAYes(Shown):
    """Swallows the refusal."""

    async def judge(self, io: HandshakeIO, key: bytes) -> None:
        with suppress(Refused):
            await super().judge(io, key)


class ReadsTooMuch(Shown):
    """Waits for one frame more than there is."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        secrets = await super().respond(io)
        await io.receive(b"M", 64)
        return secrets


class AcceptsHugeFrames(Shown):
    """No limit to speak of."""

    max_frame = 2**20


class LeavesDifferentKeys(Shown):
    """The two ends disagree."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        await super().respond(io)
        return SessionSecrets.shared(os.urandom(32))


class LeavesNoKeys(Nothing):
    """Claims keys."""

    gives = {Property.KEYS}


class OneKeyForBoth(Shown):
    """Claims a key for each direction."""

    gives = {Property.KEYS, Property.PEER_KEY, Property.DIRECTION_KEYS}


class AlwaysTheSame(Shown):
    """Claims that every conversation has its own key."""

    gives = {Property.KEYS, Property.PEER_KEY, Property.FORWARD_SECRECY}

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        await self.judge(io, await io.receive(b"K", self.max_frame))
        await io.send(b"S", bytes(range(32)))
        return SessionSecrets.shared(bytes(range(32)))


class RemembersOnSelf(Shown):
    """Keeps a conversation's key where the next one finds it."""

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        self._key = os.urandom(32)
        await self.judge(io, await io.receive(b"K", self.max_frame))
        await io.send(b"S", self._key)
        await asyncio.sleep(0)
        return SessionSecrets.shared(self._key)


class LetsValueErrorOut(Shown):
    """Does not look at what it gets."""

    def take(self, key: bytes) -> SessionSecrets:
        if len(key) != 32:
            raise ValueError("bad length")
        return SessionSecrets.shared(key)


class TellsTheKey(Shown):
    """Says the key in an error."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        await io.send(b"K", bytes(32))
        key = await io.receive(b"S", self.max_frame)
        if len(key) != 32:
            raise HandshakeFailed(f"The session key is {key.hex()}.")
        return SessionSecrets.shared(key)


class ShowsTheKey(Shown):
    """Keeps the last key in its repr."""

    _last = b""

    def take(self, key: bytes) -> SessionSecrets:
        secrets = super().take(key)
        self._last = key
        return secrets

    def __repr__(self) -> str:
        return f"<Shown {self._last!r}>"


class Stubborn(Shown):
    """Does not let itself be cancelled."""

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        try:
            return await super().initiate(io)
        except asyncio.CancelledError:
            raise HandshakeFailed("I am busy.") from None


class LeavesATask(Shown):
    """Starts what nobody ends."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        self._task = asyncio.create_task(asyncio.Event().wait())
        return await super().respond(io)


class TakesHalfAFrame(Nothing):
    """Takes a cut connection for consent."""

    needs = {Property.BOUNDARIES}

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        await io.send(b"H", b"hello there")
        return SessionSecrets.none()

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        try:
            await io.receive(b"H", 64)
        except HandshakeFailed:
            return SessionSecrets.none()
        return SessionSecrets.none()


class Fails(Shown):
    """Never succeeds."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        raise HandshakeFailed


class Wordless(Shown):
    """Shows an empty key."""

    async def judge(self, io: HandshakeIO, key: bytes) -> None:
        if len(key) != 32:
            raise HandshakeFailed
        await io.ask(Identity("", b""))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (AsksTooLate, "answers the server's key before it asks"),
        (GoesOnAfterANo, "sends something after the key was refused"),
        (DoesNotAsk, "does not ask about the server's key"),
        (DoesNotSayWhoseKey, "`shows` names no role"),
        (TakesANoForAYes, "goes on although the key was refused"),
        (ReadsTooMuch, "is lost at the server"),
        (AcceptsHugeFrames, "accepts frames of 1,048,576 bytes from a stranger"),
        (LeavesDifferentKeys, "different keys"),
        (LeavesNoKeys, "claims KEYS and leaves none"),
        (OneKeyForBoth, "one key for both directions"),
        (AlwaysTheSame, "two conversations had the same secrets"),
        (RemembersOnSelf, "get the same keys"),
        (LetsValueErrorOut, "makes the server raise ValueError"),
        (TellsTheKey, "text of an error"),
        (ShowsTheKey, "the handshake's repr"),
        (Stubborn, "when it is cancelled"),
        (LeavesATask, "leaves tasks running"),
        (TakesHalfAFrame, "takes half a frame|takes a frame of two million|takes the end"),
        (Fails, "undisturbed handshake fails at the server"),
        (Wordless, "empty identity"),
    ],
)
def test_a_weakened_handshake_fails_in_words(make: type[Handshake], words: str) -> None:
    with pytest.raises(AssertionError, match=words):
        check_handshake(make)
