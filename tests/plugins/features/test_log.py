"""What happens, one JSON object per line: read back by a program, whatever a peer was called and however full the disk is."""

import asyncio
import json
import os
import re
import signal
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import programs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import ChatError, Refused, UnknownPeer
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack
from plytalk.plugins.features.log import TURNED_AWAY_A_SECOND, Log, layers
from plytalk.testing import check_layer, open_ends, stack_of
from plytalk.trust.store_errors import StoreError

posix = pytest.mark.skipif(os.name != "posix", reason="files have such rights on POSIX systems")


def nobody(prompt: str) -> str:
    raise UnknownPeer(prompt)


@asynccontextmanager
async def logging(file: Path, said: list[str] | None = None) -> AsyncIterator[tuple[Any, Stack]]:
    """The hooks of a server that logs to a file, and its stack."""
    host, stack = Registry(points=[]), stack_of(Log, log_json=file)
    [log] = stack.features
    host.hear(stack)
    sentences = await log.ready(Role.RESPONDER, nobody)
    if said is not None:
        said += sentences
    try:
        yield host.manager.hook, stack
    finally:
        await log.release()


def entries(file: Path) -> list[dict[str, Any]]:
    """The lines, as a program reads them; their times are looked at and taken away."""
    text = file.read_bytes().decode("ascii")
    assert text.endswith("\n") or not text
    found = [json.loads(line) for line in text.splitlines()]
    for entry in found:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry.pop("time"))
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log"


def test_it_keeps_its_contract() -> None:
    check_layer(Log)
    assert layers() == [Log]


async def test_a_server_from_its_beginning_to_its_end(file: Path) -> None:
    said: list[str] = []
    async with logging(file, said) as (hook, stack), open_ends(stack_of(), stack) as (client, server):
        hook.server_opened(stack=stack, address="127.0.0.1:7591", doors=(), hook=hook, end=print, notice=print)
        hook.turned_away(address="192.0.2.1:1", error=Refused("The key is not in the file.", "Add it."))
        server.session.connection.identity = Identity("test", b"key")
        hook.session_opened(session=server.session)
        client.say("exit")
        hook.session_closed(session=server.session, ending=await server.over())
    line = "test-nowhere | test-typed | test-keys | test-unsealed | test-words | test-recording | log"
    who = {"address": "memory:client", "key": Identity("test", b"key").fingerprint}
    opened, turned, came, went, closed = entries(file)
    assert opened == {"event": "server opened", "address": "127.0.0.1:7591", "stack": line}
    assert turned == {
        "event": "turned away",
        "address": "192.0.2.1:1",
        "error": "Refused",
        "why": "refused",
        "reason": "The key is not in the file. Add it.",
    }
    assert came == {"event": "session opened", **who, "stack": line}
    assert 0 <= went.pop("seconds") < 60
    assert went == {"event": "session closed", **who, "by": "them", "reason": "The other side said exit."}
    assert closed == {"event": "server closed", "address": "127.0.0.1:7591"}
    assert said == [f"What happens is written to {file}."]


async def test_nothing_that_was_said_is_written_and_an_error_is_named(file: Path) -> None:
    async with logging(file) as (hook, stack), open_ends(stack_of(), stack) as (client, server):
        hook.session_opened(session=server.session)
        client.say("a word between us")
        await server.hears()
        client.session.stream.close()
        hook.session_closed(session=server.session, ending=await server.over())
    opened, closed = entries(file)
    assert "key" not in opened
    assert closed["by"] == "them"
    assert "a word between us" not in file.read_text()


@given(st.text(st.characters(codec=None), max_size=50), st.text(st.characters(codec=None), max_size=50))
def test_whatever_a_peer_has_a_say_in_is_one_line_of_printable_ascii(tmp_path_factory, address: str, text: str) -> None:
    file = tmp_path_factory.mktemp("log") / "log"

    async def main() -> None:
        async with logging(file) as (hook, _):
            hook.turned_away(address=address, error=ChatError(f"It says {text}"))

    asyncio.run(main())
    shown = file.read_text()
    assert shown.count("\n") == 1
    assert shown[:-1].isascii()
    assert shown[:-1].isprintable()
    [entry] = entries(file)
    assert entry["address"] == address
    assert entry["reason"] == ChatError(f"It says {text}").sentence


async def test_a_forged_line_is_no_line(file: Path) -> None:
    """A34 of the threats: CWE-117."""
    forged = '\n{"time": "2026-01-01T00:00:00.000Z", "event": "session opened", "key": "SHA256:forged"}\n\x1b[2J'
    async with logging(file) as (hook, _):
        hook.turned_away(address=f"host{forged}", error=ChatError(forged))
    [entry] = entries(file)
    assert entry["event"] == "turned away"
    assert "\x1b" not in file.read_text()


async def test_a_flood_of_peers_is_no_flood_of_lines(file: Path) -> None:
    async with logging(file) as (hook, stack):
        for _ in range(5000):
            hook.turned_away(address="192.0.2.1:1", error=Refused())
        hook.server_opened(stack=stack, address="memory:a", doors=(), hook=hook, end=print, notice=print)
    found = entries(file)
    written = [entry for entry in found if entry["event"] == "turned away"]
    assert TURNED_AWAY_A_SECOND <= len(written) < 2500
    assert len(written) + sum(entry.get("missing", 0) for entry in found) == 5000


@posix
def test_a_program_tells_of_its_peers_and_goes_on_in_a_new_file_after_sighup(file: Path, tmp_path: Path) -> None:
    environment = programs.ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path / "home")}
    with programs.serve("--keep", "--ui", "none", "--log-json", str(file), environment=environment) as server:
        with programs.connect(server.port, "--accept-new", environment=environment) as client:
            client.end_input()
            assert client.status() == 0
        with socket.create_connection(("127.0.0.1", server.port)) as stranger:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
            server.tells("did not get in")
        moved = file.rename(file.with_name("log.1"))
        server.process.send_signal(signal.SIGHUP)
        server.tells(f"The log goes on in {file}.")
        server.process.send_signal(signal.SIGTERM)
        assert server.status() == 0
    assert [entry["event"] for entry in entries(moved)] == ["server opened", "session opened", "session closed", "turned away"]
    assert [entry["event"] for entry in entries(file)] == ["server closed"]


# -- the file -------------------------------------------------------------------------------------------------------------


@posix
async def test_the_file_is_made_for_its_owner_alone_whatever_the_umask(file: Path) -> None:
    before = os.umask(0)
    try:
        async with logging(file):
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
    finally:
        os.umask(before)


async def test_what_was_there_stays(file: Path) -> None:
    file.write_text('{"time": "2026-01-01T00:00:00.000Z", "event": "before"}\n')
    async with logging(file) as (hook, stack):
        hook.server_opened(stack=stack, address="memory:a", doors=(), hook=hook, end=print, notice=print)
    assert [entry["event"] for entry in entries(file)] == ["before", "server opened", "server closed"]


async def test_each_event_is_there_at_once(file: Path) -> None:
    async with logging(file) as (hook, _):
        hook.turned_away(address="192.0.2.1:1", error=Refused())
        assert len(entries(file)) == 1


@pytest.mark.parametrize("kind", ["folder", "absent folder", "link"])
@posix
async def test_what_cannot_be_opened_is_said_before_the_start(tmp_path: Path, kind: str) -> None:
    file = {"folder": tmp_path, "absent folder": tmp_path / "none" / "log", "link": tmp_path / "link"}[kind]
    if kind == "link":
        file.symlink_to(tmp_path / "victim")
    with pytest.raises(StoreError, match="cannot be opened for the log"):
        await Log(file).ready(Role.RESPONDER, nobody)


@posix
async def test_a_pipe_that_nobody_reads_holds_up_nobody(file: Path) -> None:
    os.mkfifo(file)
    with pytest.raises(StoreError, match="cannot be opened for the log"):
        await Log(file).ready(Role.RESPONDER, nobody)


@contextmanager
def with_room_for(size: int) -> Iterator[None]:
    """A disk on which no file can grow beyond this size, in bytes."""
    resource = pytest.importorskip("resource", reason="needs the limits of POSIX systems")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))  # Python ignores the signal SIGXFSZ
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_is_said_once_and_what_is_missing_is_counted(file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def turn_away(hook: Any) -> None:
        hook.turned_away(address="192.0.2.1:1", error=Refused("No."))

    file.write_text(json.dumps({"much": "x" * 100_000}) + "\n")  # only this file is as long
    async with logging(file) as (hook, _):
        with with_room_for(file.stat().st_size + 10):  # not even for a whole line
            for _ in range(5):
                turn_away(hook)
            err = capfd.readouterr().err
            assert err.count("\n") == 1
            assert err.startswith(f"The log {file} cannot be written (")
        turn_away(hook)
        turn_away(hook)
    assert capfd.readouterr().err == ""
    _, torn, *lines = file.read_text().splitlines()
    assert torn == '{"time": "'
    last = [json.loads(line) for line in lines]
    assert [entry.get("missing") for entry in last] == [5, None]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, which Linux has")
async def test_a_device_without_room_ends_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    async with logging(Path("/dev/full")) as (hook, stack):
        hook.server_opened(stack=stack, address="memory:a", doors=(), hook=hook, end=print, notice=print)
        hook.turned_away(address="192.0.2.1:1", error=Refused())
    assert (
        capfd.readouterr().err == "The log /dev/full cannot be written (No space left on device): events are lost until it can.\n"
    )


async def test_a_minus_is_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    async with logging(Path("-"), said) as (hook, stack):
        hook.server_opened(stack=stack, address="memory:a", doors=(), hook=hook, end=print, notice=print)
        assert hook.reread() == [[]]
        hook.turned_away(address="192.0.2.1:1", error=Refused())
    assert said == []
    out, err = capfd.readouterr()
    assert out == ""
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["server opened", "turned away", "server closed"]


# -- turning logs over ----------------------------------------------------------------------------------------------------


@posix
async def test_a_file_that_was_moved_away_is_begun_anew(file: Path) -> None:
    async with logging(file) as (hook, stack):
        hook.server_opened(stack=stack, address="memory:a", doors=(), hook=hook, end=print, notice=print)
        moved = file.rename(file.with_name("log.1"))
        assert hook.reread() == [[f"The log goes on in {file}."]]
        hook.turned_away(address="192.0.2.1:1", error=Refused())
    assert [entry["event"] for entry in entries(moved)] == ["server opened"]
    assert [entry["event"] for entry in entries(file)] == ["turned away", "server closed"]


@posix
async def test_where_no_new_one_can_be_made_the_old_one_goes_on(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    async with logging(folder / "log") as (hook, stack):
        moved = folder.rename(tmp_path / "old")
        with pytest.raises(StoreError):
            hook.reread()
        hook.server_opened(stack=stack, address="memory:a", doors=(), hook=hook, end=print, notice=print)
    assert [entry["event"] for entry in entries(moved / "log")] == ["server opened", "server closed"]
