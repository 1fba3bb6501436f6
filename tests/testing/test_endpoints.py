"""Whole conversations between two ends in one process."""

import pytest

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import BrokenPlugin, HandshakeFailed, ImpossibleStack
from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.peers import SessionSecrets
from plytalk.testing import GivenKeys, PlainFrames, TypedFrames, byte_by_byte, open_ends, randomly, stack_of, two_ends
from plytalk.testing.parts import Unsealed


@pytest.mark.parametrize("cut", [None, byte_by_byte, randomly(3)])
async def test_two_ends_talk(cut) -> None:
    async with two_ends(PlainFrames, cut=cut) as (client, server):
        client.say("hello")
        client.say("anybody there?")
        server.say("yes")
        assert await server.hears(2) == ["hello", "anybody there?"]
        assert await client.hears() == ["yes"]
        client.say("exit")
        assert (await client.over()).by is EndedBy.US
        assert (await server.over()).by is EndedBy.THEM


async def test_a_stack_of_nothing_is_the_plainest() -> None:
    assert stack_of().line == "test-nowhere | test-typed | test-keys | test-unsealed | test-words | test-recording"
    assert stack_of(PlainFrames).framer.layer is PlainFrames


async def test_a_stack_that_cannot_work_is_refused() -> None:
    class NeedsAll(Unsealed):
        """Needs what nobody gives."""

        name = "needs-all"
        needs = {"order"}

    with pytest.raises(ImpossibleStack, match="needs order"):
        stack_of(NeedsAll)


class Refuses(GivenKeys):
    """Sends the client away."""

    name = "refuses"

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        await super().respond(io)
        raise HandshakeFailed("Not you.")


class Breaks(GivenKeys):
    """Is broken at the client."""

    name = "breaks"

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        raise ZeroDivisionError


async def test_what_the_first_to_fail_says_is_what_is_raised() -> None:
    with pytest.raises(HandshakeFailed, match="Not you"):
        async with open_ends(stack_of(), stack_of(Refuses)):
            pytest.fail("it opened")
    with pytest.raises(BrokenPlugin, match="`breaks` raised ZeroDivisionError"):
        async with open_ends(stack_of(Breaks), stack_of(TypedFrames)):
            pytest.fail("it opened")
