"""The first use of a server's key, cell by cell, by the real `chat connect` against a real server.

                     on a terminal            off it            off it, with --accept-new
    absent           asks: yes 0, no 4        refuses, 4        connects: told so in advance
    same             connects                 connects          connects
    changed          refuses, 5               refuses, 5        refuses, 5
    other type       refuses, 5               refuses, 5        refuses, 5
    revoked          refuses, 4               refuses, 4        refuses, 4
    corrupt line     refuses, 4               refuses, 4        refuses, 4
    unreadable       refuses, 4               refuses, 4        refuses, 4
    disk full        asks, then refuses, 4    refuses, 4        refuses, 4
    two writers      asks, then refuses, 5    refuses, 4        refuses, 4

If nobody said so in advance, `same` is the only state that connects without a question. *Connects* means that words can be
said; whatever was refused, the server hears of nobody, and known_hosts is left as it was.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
from programs import COMMAND, ENVIRONMENT, Chat, chat, serve

from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust import files
from plytalk.trust.host_keys import KnownHostsFile
from plytalk.trust.identity import create

OTHER = PublicKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea")  # RFC 8032, 7.1
RSA = PublicKey.of("ssh-rsa", b"\x01\x00\x01", b"\x00" + b"\xc5" * 256)
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # pexpect forks
FULL = ("/bin/sh", "-c", 'ulimit -f 0; exec "$0" "$@"')  # no file may grow: as good as a full disk, without one

CONNECTS, ASKS = "connects", "asks"
# What is remembered, and what follows: on a terminal, off it, off it with --accept-new. A number is a refusal's exit code; after
# "asks" it is what a yes leads to.
MATRIX: dict[str, tuple[str | int, ...]] = {
    "absent": ("asks 0", 4, CONNECTS),
    "same": (CONNECTS, CONNECTS, CONNECTS),
    "changed": (5, 5, 5),
    "other type": (5, 5, 5),
    "revoked": (4, 4, 4),
    "corrupt line": (4, 4, 4),
    "unreadable": (4, 4, 4),
    "disk full": ("asks 4", 4, 4),
    "two writers": ("asks 5", 4, 4),
}
CELLS = [
    pytest.param(state, column, expected, id=f"{state}, {('on a terminal', 'off it', 'off it with --accept-new')[column]}")
    for state, row in MATRIX.items()
    for column, expected in enumerate(row)
]
# In the refusal's one sentence: what is wrong, and the way out.
TOLD = {
    "absent": r"is not known yet\. Its fingerprint is SHA256:\S+ .* Give --peer SHA256:\.\.\. if you know the fingerprint",
    "changed": r"line 1: someone may be between you, .* out of band\. If the key is right: chat keys forget",
    "other type": r"line 1: someone may be between you, .* If the key is right: chat keys forget 127\.0\.0\.1:\d+$",
    "revoked": r"is revoked: \S+, line 1\. .* ask the person who runs the server for its new key",
    "corrupt line": r"line 1: .* Nothing in this file is trusted until line 1 is corrected or deleted",
    "unreadable": r"is a folder\. Put a plain file there, or name another one",
    "disk full": r"could not be written: .* Nothing was changed: make room|is not known yet",
    "two writers": r"Another program holds the lock of .* Try again when it has ended|is not known yet|already has a key there",
}


@dataclass
class Server:
    """A server that goes on listening."""

    chat: Chat
    key: PublicKey

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.chat.port}"

    def saw(self) -> str:
        """What became of the next peer: "talked" or "refused"."""
        while True:
            told = self.chat.tells("127.0.0.1:")
            if "did not get in" in told or "Talking to" in told:
                return "talked" if "Talking to" in told else "refused"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    home = tmp_path / "server"
    key = create(home / "identity").public
    with serve("--keep", environment={**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home)}) as ours:
        yield Server(ours, key)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    create(tmp_path / "client" / "identity")
    return tmp_path / "client"


@contextlib.contextmanager
def remembered(state: str, home: Path, server: Server) -> Iterator[Path]:
    """A known_hosts file in this state."""
    file = home / "known_hosts"
    name = f"[127.0.0.1]:{server.chat.port}"
    line = {
        "same": f"{name} {server.key}",
        "changed": f"{name} {OTHER}",
        "other type": f"{name} {RSA}",
        "revoked": f"@revoked {name} {server.key}\n{name} {server.key}",
        "corrupt line": f"{name} {str(server.key)[:-6]}",
    }.get(state)
    if line:
        file.write_text(line + "\n")
    if state == "unreadable":
        file.mkdir()  # rights would not stop root
    yield file


def environment(home: Path) -> dict[str, str]:
    return {**ENVIRONMENT, "HOME": str(home), "PLYTALK_HOME": str(home), "NO_COLOR": "1", "PROMPT_TOOLKIT_NO_CPR": "1"}


def content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


class Terminal:
    """`chat connect` on a terminal."""

    def __init__(self, server: Server, home: Path, *options: str, full: bool = False) -> None:
        command = [*(FULL if full else ()), *COMMAND, "connect", server.address, *options]
        self.child = pexpect.spawn(
            command[0], command[1:], env=environment(home), encoding="utf-8", timeout=180, dimensions=(24, 400)
        )
        self.shown = ""

    def comes_to(self) -> str:
        """What happens next: "asks", "connects", or "ends"."""
        after = self.child.expect_exact(["[yes/no] ", "Talking to ", pexpect.EOF])
        self.shown += self.child.before
        return (ASKS, CONNECTS, "ends")[after]

    def types(self, line: str) -> None:
        self.child.sendline(line)

    def status(self) -> int:
        self.shown += self.child.read()
        self.child.close()
        assert self.child.exitstatus is not None
        return self.child.exitstatus


def test_in_the_matrix_only_the_remembered_key_connects_unasked() -> None:
    unasked = {(state, column) for state, row in MATRIX.items() for column in (0, 1) if row[column] == CONNECTS}
    assert unasked == {("same", 0), ("same", 1)}
    assert {state for state, row in MATRIX.items() if row[2] == CONNECTS} == {"same", "absent"}


@pytest.mark.parametrize(("state", "column", "expected"), CELLS)
def test_every_cell_of_the_matrix(state: str, column: int, expected: str | int, server: Server, home: Path) -> None:
    with remembered(state, home, server) as file:
        before = content(file)
        if column:
            connected, status, told = off_a_terminal(state, column, server, home)
        else:
            connected, status, told = on_a_terminal(state, expected, server, home)
        after = KnownHostsFile(file).entries() if connected or state == "two writers" else None
    assert server.saw() == ("talked" if connected else "refused")
    if expected in (CONNECTS, "asks 0"):
        assert (connected, status) == (True, 0)
        assert [entry.key for entry in after] == [server.key]
        return
    assert not connected
    assert status == int(str(expected).removeprefix("asks "))
    assert re.search(TOLD[state], told), told
    assert "Traceback" not in told
    if state == "two writers":
        assert all(entry.key == OTHER for entry in after)
    else:
        assert content(file) == before


def on_a_terminal(state: str, expected: str | int, server: Server, home: Path) -> tuple[bool, int, str]:
    """Whether it connected, its exit code and its last line."""
    terminal = Terminal(server, home, full=state == "disk full")
    came = terminal.comes_to()
    if str(expected).startswith(ASKS):
        assert came == ASKS, terminal.shown
        assert server.key.fingerprint in terminal.shown
        if state == "two writers":
            KnownHostsFile(home / "known_hosts").add("127.0.0.1", server.chat.port, OTHER)
        terminal.types("yes")
        came = terminal.comes_to()
        assert came != ASKS, "it asks again"
    if came == CONNECTS:
        terminal.types("exit")
    status = terminal.status()
    complaints = [line for line in terminal.shown.splitlines() if line.startswith("chat: ")]
    assert len(complaints) == (0 if came == CONNECTS else 1), terminal.shown
    return came == CONNECTS, status, complaints[0] if complaints else ""


def off_a_terminal(state: str, column: int, server: Server, home: Path) -> tuple[bool, int, str]:
    options = ["--accept-new"] if column == 2 else []
    with files.locked(home / "known_hosts") if state == "two writers" else contextlib.nullcontext():
        prefix = FULL if state == "disk full" else ()
        run = chat(
            "connect", server.address, *options, typed="exit\n", environment=environment(home), command=[*prefix, *COMMAND]
        )
    connected = "Talking to " in run.stderr
    complaints = [line for line in run.stderr.splitlines() if line.startswith("chat: ")]
    assert len(complaints) == (0 if connected else 1), run.stderr
    return connected, run.returncode, complaints[0] if complaints else ""


# -- around the matrix -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["no", "NO", "", "n", "y", "yess", "SHA256:", "\x04"])
def test_only_a_yes_is_a_yes(answer: str, server: Server, home: Path) -> None:
    terminal = Terminal(server, home)
    assert terminal.comes_to() == ASKS
    if answer == "\x04":
        terminal.child.sendeof()
    else:
        terminal.types(answer)
        if answer.lower() != "no":  # no answer: it is asked again
            assert terminal.comes_to() == ASKS
            assert "Type yes or no." in terminal.shown
            terminal.types("no")
    assert terminal.comes_to() == "ends"
    assert terminal.status() == 4
    assert f"You said no to the key {server.key.fingerprint}" in terminal.shown
    assert server.saw() == "refused"
    assert not (home / "known_hosts").exists()


def test_a_user_interface_that_cannot_ask_is_no_yes(server: Server, home: Path) -> None:
    terminal = Terminal(server, home, "--ui", "jsonl")
    assert terminal.comes_to() == "ends"
    assert terminal.status() == 4
    assert server.saw() == "refused"


def test_the_way_out_of_a_changed_key_leads_to_a_question(server: Server, home: Path) -> None:
    (home / "known_hosts").write_text(f"[127.0.0.1]:{server.chat.port} {OTHER}\n")
    refused = chat("connect", server.address, environment=environment(home))
    assert refused.returncode == 5
    assert server.saw() == "refused"
    advised = refused.stderr.strip().rpartition("chat keys forget ")[2].split()
    assert chat("keys", "forget", *advised, environment=environment(home)).returncode == 0
    terminal = Terminal(server, home)
    assert terminal.comes_to() == ASKS
    terminal.types("no")
    assert terminal.comes_to() == "ends"
    assert terminal.status() == 4
    assert server.saw() == "refused"


def test_the_way_out_names_the_file_that_was_given(server: Server, home: Path) -> None:
    file = home / "my hosts"
    file.write_text(f"[127.0.0.1]:{server.chat.port} {OTHER}\n")
    refused = chat("connect", server.address, "--known-hosts", str(file), environment=environment(home))
    assert refused.returncode == 5
    assert refused.stderr.strip().endswith(f"chat keys forget {server.address} --known-hosts '{file}'")
    assert server.saw() == "refused"


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
@pytest.mark.parametrize("how", ["others may write", "link", "dangling link", "folder that is a file"])
def test_a_file_that_cannot_be_trusted_is_no_absent_one(how: str, server: Server, home: Path) -> None:
    file = home / "known_hosts"
    if how == "others may write":
        file.write_text("")
        file.chmod(0o666)
    elif how == "link":
        (home / "elsewhere").write_text("")
        file.symlink_to(home / "elsewhere")
    elif how == "dangling link":
        file.symlink_to(home / "nowhere")
    else:
        (home / "file").write_text("")
        file = home / "file" / "known_hosts"
    options = ["--known-hosts", str(file), "--accept-new"]
    run = chat("connect", server.address, *options, typed="exit\n", environment=environment(home))
    assert run.returncode == 4, run.stderr
    assert "Talking to" not in run.stderr
    assert server.saw() == "refused"
