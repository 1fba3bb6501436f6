"""What a client reads that the server does not let in: the reason, before any conversation seems to begin."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import ENVIRONMENT, chat, connect, serve

from plytalk.core.contracts.errors import Exit

STACKS = [(), ("--suite", "classical"), ("--handshake", "noise"), ("--handshake", "noise", "--pattern", "IX")]
Home = Callable[[str], dict[str, str]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return lambda name: ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path / name)}


def key_of(environment: dict[str, str]) -> str:
    """The line that somebody gives to the owner of a server; the identity is made where there is none."""
    if shown := chat("keys", "show", environment=environment).stdout:
        return shown.splitlines()[0]
    return chat("keys", "new", environment=environment).stdout.splitlines()[-1]


@pytest.mark.parametrize("stack", STACKS)
def test_a_key_that_is_not_on_the_list_is_told_the_line_to_send(stack: tuple[str, ...], home: Home, tmp_path: Path) -> None:
    guests = tmp_path / "guests"
    guests.write_text(f"{key_of(home('alice'))}\n")
    with serve("--keep", "--allow", str(guests), *stack, environment=home("server")) as server:
        run = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", *stack, typed="hello\n", environment=home("mallory"))
        assert run.returncode == Exit.HANDSHAKE
        assert "The server says: Your key is not on this server's list." in run.stderr
        assert key_of(home("mallory")) in run.stderr
        assert str(guests) not in run.stderr  # where the server keeps its files is not the client's to know
        assert run.stdout == ""
        assert "Talking to" not in run.stderr
        server.tells("did not get in: The key")
        guests.write_text(f"{key_of(home('mallory'))}\n")
        run = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", *stack, typed="hello\n", environment=home("mallory"))
        assert run.returncode == 0
        assert "Talking to" in run.stderr
        assert server.hear_words() == "hello"


@pytest.mark.parametrize("lines", [None, 0, 1, 1000], ids=["still typing", "only a goodbye", "a line", "many lines"])
@pytest.mark.parametrize("stack", [(), ("--handshake", "noise")], ids=["plytalk1", "noise"])
def test_one_that_cannot_be_told_why_learns_that_it_may_not_be_let_in(
    lines: int | None, stack: tuple[str, ...], home: Home, tmp_path: Path
) -> None:
    (tmp_path / "guests").write_text("")
    text = ("--messages", "text", *stack)
    with (
        serve("--keep", "--allow", str(tmp_path / "guests"), *text, environment=home("server")) as server,
        connect(server.port, "--accept-new", *text, environment=home("mallory")) as client,
    ):
        if lines is not None:
            with contextlib.suppress(BrokenPipeError):
                for _ in range(lines):
                    client.say("hello")
            with contextlib.suppress(BrokenPipeError):
                client.end_input()
        assert client.status() == Exit.TRUNCATED
    assert client.told[-1].startswith("chat: ")
    assert "Perhaps the server is full, or does not let you in: ask its owner" in client.told[-1]


def test_with_reconnect_a_refused_client_does_not_come_back(home: Home, tmp_path: Path) -> None:
    guests = tmp_path / "guests"
    guests.write_text("")
    with serve("--keep", "--allow", str(guests), environment=home("server")) as server:
        run = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", "--reconnect", environment=home("mallory"))
    assert run.returncode == Exit.HANDSHAKE


def test_a_full_server_says_so(home: Home) -> None:
    with (
        serve("--keep", "--members", "1", environment=home("server")) as server,
        connect(server.port, "--accept-new", environment=home("alice")) as alice,
    ):
        alice.tells("Talking to")
        run = chat("connect", f"127.0.0.1:{server.port}", "--accept-new", environment=home("bob"))
    assert run.returncode == Exit.HANDSHAKE
    assert "The server says: The server is full. Try again later." in run.stderr
    assert "Talking to" not in run.stderr
