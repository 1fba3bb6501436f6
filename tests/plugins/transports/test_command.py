"""The transport `command`: a command's input and output in place of a connection."""

import asyncio
import shutil
import signal
import sys

import pytest

from plytalk.core.contracts.errors import CannotConnect, Usage
from plytalk.plugins.transports.command import CommandStream, CommandTransport, filled_in, layers
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing import check_transport
from plytalk.testing.cutting import seeded
from plytalk.testing.transports import MUCH, Receiver
from plytalk.testing.verdict import idle, within

ECHO = f"{sys.executable} -c 'import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)'"


@pytest.mark.skipif(not shutil.which("socat"), reason="needs socat")
def test_a_command_that_connects_to_a_listener_keeps_the_contract() -> None:
    check_transport(lambda: CommandTransport("socat -t 60 - TCP:%h:%p"), listens=Tcp)


def test_words_get_the_host_and_the_port_and_no_shell_runs() -> None:
    assert filled_in("ssh -W %h:%p 'a b' 100%% ; rm", "::1", 9) == ["ssh", "-W", "[::1]:9", "a b", "100%", ";", "rm"]
    assert filled_in("ssh -W [%h]:%p %h", "::1", 9) == ["ssh", "-W", "[::1]:9", "::1"]
    assert filled_in("nc %h %p", "%p", 1) == ["nc", "%p", "1"]


@pytest.mark.parametrize(("command", "said"), [("'half", "cannot be split into words: no closing quotation"), (" ", "is empty")])
def test_what_is_not_a_command_is_refused(command: str, said: str) -> None:
    with pytest.raises(Usage, match=said):
        filled_in(command, "host", 1)


async def test_bytes_go_there_and_back_and_each_direction_ends_for_itself() -> None:
    stream = await CommandTransport(ECHO).connect("chat.example.org", 7591)
    assert stream.peer == "chat.example.org:7591"
    heard = Receiver(stream)
    data = seeded(1).randbytes(MUCH)
    stream.send(data)
    stream.finish()
    await heard.hears_the_end("Its end is not told.")
    assert heard.came == data
    assert heard.ends == [None]
    stream.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("sh -c 'exit 41'", "The command `sh` ended with exit code 41, and nothing came from it."),
        ("sh -c 'kill -9 $$'", "The command `sh` was ended by signal 9, and nothing came from it."),
    ],
)
async def test_a_command_that_fails_first_is_told_with_its_exit_code(command: str, said: str) -> None:
    stream = await CommandTransport(command).connect("host", 1)
    heard = Receiver(stream)
    await heard.hears_the_end("Its end is not told.")
    assert isinstance(heard.ends[0], CannotConnect)
    assert str(heard.ends[0]) == said
    stream.close()


@pytest.mark.parametrize(
    ("silent", "ended"), [("sh -c 'exec 0<&- 1>&-; sleep 1'", True), ("sh -c 'cat; sleep 1'", False)], ids=["output", "nothing"]
)
async def test_a_stream_that_is_closed_before_its_command_ends_leaves_no_task(silent: str, ended: bool) -> None:
    stream = await CommandTransport(silent).connect("host", 1)
    assert isinstance(stream, CommandStream)
    heard = Receiver(stream)
    if ended:
        await within(told_soon(stream), "Nobody waits for the exit code.")
    stream.close()
    await idle()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert heard.ends == [None]
    await within(stream._exit_code, "The command does not end.")


async def test_a_command_that_goes_on_is_ended_with_the_stream() -> None:
    stream = await CommandTransport("sleep 600").connect("host", 1)
    assert isinstance(stream, CommandStream)
    stream.close()
    assert await within(stream._exit_code, "The command is left behind.") == -signal.SIGTERM


async def told_soon(stream: CommandStream) -> None:
    """Until the stream waits for the exit code of its command."""
    while stream._telling is None:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_command_that_is_not_there_is_said() -> None:
    with pytest.raises(CannotConnect, match="The command `no-such-command` cannot be run: no such file or directory"):
        await CommandTransport("no-such-command %h").connect("host", 1)


async def test_it_needs_a_command_and_only_connects() -> None:
    with pytest.raises(Usage, match="needs a command") as refused:
        await CommandTransport().connect("host", 1)
    assert refused.value.exit_code == 2
    with pytest.raises(Usage, match="Nobody can listen"):
        await CommandTransport().listen("host", 1)
    assert layers() == [CommandTransport]
