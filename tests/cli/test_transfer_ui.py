"""`chat send` and `chat receive` on a terminal."""

from pathlib import Path

import pexpect
from offering import written
from people import environment
from programs import COMMAND


def test_a_terminal_shows_a_bar_and_asks(tmp_path: Path) -> None:
    film = written(tmp_path / "film.mkv", 30_000_000)
    program, *words = COMMAND

    def started(who: str, *arguments: str) -> "pexpect.spawn[bytes]":
        (home := tmp_path / who).mkdir()
        return pexpect.spawn(
            program, [*words, *arguments], env=environment(home), cwd=str(home), timeout=30, dimensions=(24, 100)
        )

    sender = started("sender", "send", str(film), "--port", "0")
    sender.expect(rb"chat receive (\S+)\r\n(\d-\w+-\w+)\r\n")
    address, code = (one.decode() for one in sender.match.groups())
    receiver = started("receiver", "receive", address)
    receiver.expect("code")
    receiver.sendline(code)
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
