"""A socket in the file system."""

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import CannotConnect
from plytalk.plugins.transports.unix import Unix, layers
from plytalk.testing import check_transport
from plytalk.testing.verdict import idle

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets, which this system has not")


@pytest.fixture
def path() -> Iterator[Path]:
    """A short one: the system takes some hundred characters."""
    with tempfile.TemporaryDirectory(prefix="ply") as folder:
        yield Path(folder) / "chat"


def test_it_passes_the_kit(path: Path) -> None:
    check_transport(Unix, str(path))


async def test_only_the_owner_may_open_it_whatever_the_umask(path: Path) -> None:
    old = os.umask(0)
    try:
        listener = await Unix().listen(str(path), 0)
        assert os.umask(0) == 0, "the umask is given back"
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert listener.address == str(path)
    await listener.close()
    assert not path.exists()


async def test_what_a_program_that_died_left_over_is_replaced(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
        dead.listen()
    assert path.exists()
    listener = await Unix().listen(str(path), 0)
    (await Unix().connect(str(path), 0)).close()
    await listener.close()


async def test_a_program_that_listens_is_left_alone_and_does_not_notice(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        other.setblocking(False)
        with pytest.raises(CannotConnect, match="Another program listens on") as failure:
            await Unix().listen(str(path), 0)
        assert failure.value.hint
        with pytest.raises(BlockingIOError):
            other.accept()
        assert path.exists()


@pytest.mark.parametrize("make", [lambda path: path.write_text("mine"), lambda path: path.mkdir()])
async def test_what_is_no_socket_is_left_alone(path: Path, make) -> None:
    make(path)
    with pytest.raises(CannotConnect, match="exists and is not a socket"):
        await Unix().listen(str(path), 0)
    assert path.exists()


async def test_closing_again_takes_no_other_program_s_socket_away(path: Path) -> None:
    first = await Unix().listen(str(path), 0)
    await first.close()
    second = await Unix().listen(str(path), 0)
    await first.close()
    stream = await Unix().connect(str(path), 0)
    arrived = await second.accept()
    assert arrived is not stream
    stream.close()
    arrived.close()
    await second.close()


@pytest.mark.parametrize("bad", ["nowhere/chat", "x" * 200, "nul\0byte", "", "\0abstract"])
async def test_a_place_that_cannot_be_is_said_in_words(path: Path, bad: str) -> None:
    where = bad if bad in ("", "\0abstract") else str(path / bad)
    for attempt in (Unix().listen, Unix().connect):
        with pytest.raises(CannotConnect) as failure:
            await attempt(where, 0)
        assert failure.value.sentence.isprintable()
        assert "af_unix" not in failure.value.sentence
        assert failure.value.hint


async def test_the_names_say_who_is_there(path: Path) -> None:
    listener = await Unix().listen(str(path), 0)
    client = await Unix().connect(str(path), 0)
    server = await listener.accept()
    assert (client.peer, server.peer) == (str(path), "a local program")
    client.close()
    server.close()
    await listener.close()
    await idle()


def test_it_is_the_layer_of_its_module() -> None:
    assert layers() == [Unix]
    assert Unix.names_place


async def test_the_server_has_one_name_from_wherever_its_path_was_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    listener = await Unix().listen(str(path), 0)
    for written in (str(path), "chat", f"../{path.parent.name}/chat"):
        stream = await Unix().connect(written, 0)
        assert stream.peer == str(path)
        stream.close()
    await listener.close()
