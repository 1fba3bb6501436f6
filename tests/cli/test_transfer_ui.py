"""`chat send` and `chat receive` on a terminal."""

import shlex
import signal
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pexpect
import pytest
from msgspec.structs import replace
from offering import written
from people import environment
from programs import COMMAND

from plytalk.cli.send_ui import SendUi
from plytalk.cli.transfer_ui import ReceiveUi, in_short
from plytalk.core.contracts.events import File, Sender, now


def started(home: Path, *arguments: str) -> "pexpect.spawn[bytes]":
    """A program on a terminal."""
    home.mkdir()
    program, *words = COMMAND
    return pexpect.spawn(program, [*words, *arguments], env=environment(home), cwd=str(home), timeout=180, dimensions=(24, 100))


def pair(folder: Path, *paths: Path, options: Sequence[str] = ()) -> tuple["pexpect.spawn[bytes]", "pexpect.spawn[bytes]"]:
    """A sender, and a receiver that has given the code."""
    sender = started(folder / "sender", "send", *map(str, paths), "--port", "0")
    sender.expect("The other side types this, and then the code:\r\n")
    sender.expect(rb"chat receive (\S+)\r\n(\d-\w+-\w+)\r\n")
    address, code = (one.decode() for one in sender.match.groups())
    sender.expect("Only this machine can reach it: --host :: opens it to every network.")
    receiver = started(folder / "receiver", "receive", address, *options)
    receiver.expect("code")
    receiver.sendline(code)
    return sender, receiver


def end_well(*programs: "pexpect.spawn[bytes]") -> None:
    """Both end by themselves, with exit code 0."""
    for one in programs:
        one.expect(pexpect.EOF)
        one.close()
        assert one.exitstatus == 0


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
    end_well(sender, receiver)


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


def test_a_stream_of_unknown_size_has_a_bar_and_an_end_on_a_terminal(tmp_path: Path) -> None:
    """The bar's truth value raised an exception: nothing was told of such a file after its first bytes."""
    home = tmp_path / "sender"
    home.mkdir()
    words = " ".join(map(shlex.quote, [*COMMAND, "send", "-", "--port", "0"]))
    sender = pexpect.spawn(
        "/bin/sh", ["-c", f"head -c 3000000 /dev/zero | {words}"], env=environment(home), cwd=str(home), timeout=180,
        dimensions=(24, 100),
    )  # fmt: skip
    sender.expect(rb"chat receive (\S+)\r\n(\d-\w+-\w+)\r\n")
    address, code = (one.decode() for one in sender.match.groups())
    receiver = started(tmp_path / "receiver", "receive", address, "--yes")
    receiver.expect("code")
    receiver.sendline(code)
    receiver.expect(r"standard-input: [\d.]+k?M?B \[")
    receiver.expect(r"The file standard-input \(3.0 MB\) from \[server\] has arrived.")
    sender.expect("has received standard-input.")
    end_well(sender, receiver)


async def test_the_bar_of_a_file_that_is_interrupted_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was drawn once more beneath the sentence that said so."""
    monkeypatch.setattr("sys.stderr", screen := StringIO())
    monkeypatch.setattr("tqdm.tqdm.monitor_interval", 0)
    ui = ReceiveUi(yes=True)
    ui.draws = True
    for state in ("receiving", "interrupted"):
        ui.show(File(id=state, time=now(), sender=Sender(), incoming=True, transfer="1", name="x", size=10, state=state, done=5))
    assert "%|" not in screen.getvalue().rpartition("interrupted at 50 %. What has come is kept")[2]
    assert not ui._bars


async def test_no_command_is_told_where_none_is_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`chat receive` told its user to type /accept, and a name with that in it hid the size from the question."""
    monkeypatch.setattr("sys.stderr", screen := StringIO())
    ui = ReceiveUi(yes=True)
    ui.draws = True
    offer = File(
        id="1", time=now(), sender=Sender(name="a"), incoming=True, transfer="1", name="x. /accept", size=10, state="offered"
    )
    ui.show(replace(offer, state="declined"))
    assert screen.getvalue() == "* You have declined x. /accept.\n"
    assert in_short(offer) == "[a] offers x. /accept (10 B)"


def test_the_end_of_input_at_the_question_whether_to_replace_a_file_is_said_for_what_it_is(tmp_path: Path) -> None:
    """It said that --yes accepts what is offered, which had been accepted already."""
    sender, receiver = pair(tmp_path, written(tmp_path / "x", 10), options=["--overwrite"])
    (tmp_path / "receiver" / "x").write_text("before")
    receiver.expect(r"Receive it\? \[yes/no\] ")
    receiver.sendline("yes")
    receiver.expect(r"x exists. Replace it\? \[yes/no\] ")
    receiver.sendeof()
    receiver.expect("Nobody answers here: a number is added to its name.")
    receiver.expect(r"has arrived as x \(1\).")
    end_well(sender, receiver)


def test_one_who_sends_to_a_room_is_told_who_is_offered_the_file(tmp_path: Path) -> None:
    """Nothing was shown until somebody accepted it, which every member of the room could."""
    server = started(tmp_path / "ann", "serve", "--port", "0", "--name", "ann")
    server.expect(r"Listening on (\S+) ")
    address = server.match.group(1).decode()
    sender = started(tmp_path / "bob", "send", str(written(tmp_path / "x", 10)), "--to", address, "--accept-new")
    sender.expect(r"\* You offer x \(10 B\) to everybody in lobby: ann\.")
    server.sendline("/accept 1")
    sender.expect("has received x.")
    sender.expect(pexpect.EOF)
    sender.close()
    assert sender.exitstatus == 0
    server.close()


def test_a_sender_says_that_it_waits_for_a_receiver_that_was_cut_off(tmp_path: Path) -> None:
    """It was told to connect again, and to ask what was said last."""
    sender, receiver = pair(tmp_path, written(tmp_path / "x", 10))
    receiver.expect(r"Receive it\? \[yes/no\] ")
    receiver.kill(signal.SIGKILL)
    sender.expect("Waiting for the other side to come back: what has arrived there is kept.")
    assert b"Connect again" not in sender.before
    sender.close()
    receiver.close()


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
