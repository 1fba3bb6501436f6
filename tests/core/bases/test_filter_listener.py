"""Filter streams of a client, which waits for the opening, and of a server, which does not."""

import pytest
from filters import Pieces

from plytalk.core.bases.filter_listener import FilterListener, opened_client
from plytalk.core.bases.filter_stream import Opening
from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.sockets import tcp_sockets


async def test_a_client_that_gets_no_answer_gives_up() -> None:
    client, _ = memory_stream_pair()
    with pytest.raises(CannotConnect, match=r"did not answer within 0\.01 seconds"):
        await opened_client(Pieces(client, begins=True), 0.01)


async def test_a_server_hands_a_peer_on_before_its_opening_is_done() -> None:
    listener = FilterListener(await tcp_sockets.listen("127.0.0.1", 0), lambda below: Pieces(below, begins=False))
    host, _, port = listener.address.rpartition(":")
    client = await tcp_sockets.connect(host, int(port))
    server = await listener.accept()
    assert isinstance(server, Pieces)
    assert server.opening is Opening.BEGUN
    client.close()
    server.close()
    await listener.close()
