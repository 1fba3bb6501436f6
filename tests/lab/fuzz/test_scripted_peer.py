from plytalk import Handshake, HandshakeIO, SessionSecrets
from plytalk.lab.fuzz.scripted_peer import mirror, play_back
from plytalk.testing.attempts import CLIENT, SERVER


class Trusting(Handshake):
    """Takes whatever comes; its client waits for one message, its server for two."""

    name = "test-trusting"

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        await io.send(b"A", b"hello")
        return SessionSecrets.shared(await io.receive(b"A", limit=64))

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        await io.receive(b"A", limit=64)
        return SessionSecrets.shared(await io.receive(b"B", limit=64))


async def test_a_side_that_takes_what_was_recorded_completes() -> None:
    assert await play_back(Trusting(), SERVER, [(b"A", b"one"), (b"B", b"two")])


async def test_a_side_that_misses_something_does_not() -> None:
    assert not await play_back(Trusting(), SERVER, [(b"A", b"one")])
    assert not await play_back(Trusting(), SERVER, [(b"B", b"two")])


async def test_a_side_that_takes_its_own_messages_completes() -> None:
    assert await mirror(Trusting(), CLIENT)


async def test_a_side_that_waits_for_the_other_does_not() -> None:
    assert not await mirror(Trusting(), SERVER)
