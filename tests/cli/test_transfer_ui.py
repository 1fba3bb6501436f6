"""`chat send` and `chat receive` on a terminal."""

from io import StringIO
from pathlib import Path

import pexpect
import pytest
from offering import written
from people import environment
from programs import COMMAND

from plytalk.cli.transfer_ui import SendUi
from plytalk.core.contracts.events import File, Sender, now


def started(home: Path, *arguments: str) -> "pexpect.spawn[bytes]":
    """A program on a terminal."""
    home.mkdir()
    program, *words = COMMAND
    return pexpect.spawn(program, [*words, *arguments], env=environment(home), cwd=str(home), timeout=30, dimensions=(24, 100))


def pair(folder: Path, *paths: Path) -> tuple["pexpect.spawn[bytes]", "pexpect.spawn[bytes]"]:
    """A sender, and a receiver that has given the code."""
    sender = started(folder / "sender", "send", *map(str, paths), "--port", "0")
    sender.expect("The other side types this, and then the code:\r\n")
    sender.expect(rb"chat receive (\S+)\r\n(\d-\w+-\w+)\r\n")
    address, code = (one.decode() for one in sender.match.groups())
    sender.expect("Only this machine can reach it: --host :: opens it to every network.")
    receiver = started(folder / "receiver", "receive", address)
    receiver.expect("code")
    receiver.sendline(code)
    return sender, receiver


def test_a_terminal_shows_a_bar_and_asks(tmp_path: Path) -> None:
    film = written(tmp_path / "film.mkv", 30_000_000)
    sender, receiver = pair(tmp_path, film)
    receiver.expect(r"\[server\] offers film.mkv \(30.0 MB\). Receive it\? \[yes/no\] ")
    receiver.sendline("yes")
    receiver.expect(r"film.mkv: +\d+%")
    receiver.expect(r"The file film.mkv \(30.0 MB\) from \[server\] has arrived.")
    receiver.expect(pexpect.EOF)
    sender.expect(r"has received film.mkv.")
    sender.expect(pexpect.EOF)
    for one in (sender, receiver):
        one.close()
        assert one.exitstatus == 0
    assert (tmp_path / "receiver" / "film.mkv").read_bytes() == film.read_bytes()


def test_a_question_is_not_drawn_over_by_the_bar_of_another_file(tmp_path: Path) -> None:
    """Nobody saw what was asked."""
    sender, receiver = pair(tmp_path, written(tmp_path / "film.mkv", 30_000_000), written(tmp_path / "b.txt", 10))
    receiver.expect(r"offers film.mkv .* \[yes/no\] ")
    receiver.sendline("yes")
    receiver.expect(r"offers b.txt \(10 B\). Receive it\? \[yes/no\] ")
    receiver.expect(
        r"film.mkv \(30.0 MB\) from \[server\] has arrived.\r\n\[server\] offers b.txt \(10 B\). Receive it\? \[yes/no\] "
    )
    assert b"%" not in receiver.before
    receiver.sendline("yes")
    receiver.expect(r"The file b.txt \(10 B\) from \[server\] has arrived.")
    for one in (sender, receiver):
        one.expect(pexpect.EOF)
        one.close()
        assert one.exitstatus == 0


async def test_what_is_said_after_several_bars_begins_at_the_beginning_of_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first letter stood at the end of one."""
    monkeypatch.setattr("sys.stderr", screen := StringIO())
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)  # no thread
    ui = SendUi([])
    ui.draws = True
    for number in ("1", "2"):
        ui.show(
            File(id=number, time=now(), sender=Sender(), own=True, transfer=number, name=number, size=10, state="sending", done=5)
        )
    ui._close_bars()
    assert screen.getvalue().endswith("\r")


def test_one_who_sends_to_a_server_for_the_first_time_is_asked_about_its_key(tmp_path: Path) -> None:
    """Nobody could be asked, it said, on the terminal of the one who had typed the command."""
    server = started(tmp_path / "ann", "serve", "--port", "0", "--yes")
    server.expect(r"Listening on (\S+) ")
    address = server.match.group(1).decode()
    sender = started(tmp_path / "bob", "send", str(written(tmp_path / "x", 10)), "--to", address)
    sender.expect(r"Is that what the server shows\? \[yes/no\] ")
    sender.sendline("yes")
    sender.expect("has received x.")
    sender.expect(pexpect.EOF)
    sender.close()
    assert sender.exitstatus == 0
    server.close()
