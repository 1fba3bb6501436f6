"""No network at all."""

import pytest

from plytalk.core.contracts.errors import CannotConnect
from plytalk.plugins.transports.memory import Memory, layers
from plytalk.testing import check_transport


def test_it_passes_the_kit() -> None:
    check_transport(Memory, "the kit")


async def test_two_programs_parts_meet_under_a_name() -> None:
    listener = await Memory().listen("a name", 0)
    client = await Memory().connect("a name", 0)
    server = await listener.accept()
    assert (client.peer, server.peer) == ("memory:server", "memory:client")
    client.close()
    await listener.close()


async def test_a_name_that_is_taken_or_unknown_is_said_in_words() -> None:
    listener = await Memory().listen("taken", 0)
    with pytest.raises(CannotConnect, match="Something listens at 'taken' already"):
        await Memory().listen("taken", 0)
    await listener.close()
    with pytest.raises(CannotConnect, match="Nothing listens at 'taken' in this process"):
        await Memory().connect("taken", 0)


async def test_closing_again_takes_nobody_s_place_away() -> None:
    first = await Memory().listen("again", 0)
    await first.close()
    second = await Memory().listen("again", 0)
    await first.close()
    stream = await Memory().connect("again", 0)
    arrived = await second.accept()
    assert arrived is not stream
    stream.close()
    arrived.close()
    await second.close()


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Memory]
    assert Memory.names_place
