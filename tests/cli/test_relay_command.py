"""`chat relay`, and a server and a client that meet there: real programs, real sockets."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from programs import Chat, chat, complaint, home, started


@contextmanager
def relay(*options: str) -> Iterator[str]:
    with started("relay", "--listen", "127.0.0.1:0", *options) as running:
        yield running.tells("Relaying at ").split()[2].rstrip(".")


def invitation(server: Chat) -> list[str]:
    """What the other side types, without `chat`."""
    return server.tells("The other side connects with:").partition(":  ")[2].split()[1:]


def test_two_meet_by_the_name_of_a_key_which_is_checked(tmp_path: Path) -> None:
    with relay() as address, started("serve", "--relay", address, environment=home(tmp_path, "a")) as server:
        line = invitation(server)
        assert re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}@127\.0\.0\.1:\d+", line[1])
        assert line[2:] == []
        with started(*line, "--name", "bob", environment=home(tmp_path, "b")) as client:
            client.say("through the relay")
            assert server.hear_words() == "through the relay"
            server.say("and back")
            assert client.hear_words() == "and back"
            client.end_input()
            assert client.status() == 0


def test_two_meet_by_a_number_and_a_code(tmp_path: Path) -> None:
    with relay() as address, started("serve", "--relay", address, "--code", environment=home(tmp_path, "a")) as server:
        code = server.tells("The one-time code is").split()[4].rstrip(".")
        line = invitation(server)
        assert re.fullmatch(r"\d+@127\.0\.0\.1:\d+", line[1])
        with started(*line, "--name", "bob", environment=home(tmp_path, "b")) as client:
            client.say(code)
            client.say("hello")
            assert server.hear_words() == "hello"
            client.end_input()
            assert client.status() == 0


def test_a_server_with_another_key_is_refused_by_its_name(tmp_path: Path) -> None:
    """A relay that hands a caller to another server: it gives the name of one key, and another key answers."""
    with relay() as address, started("serve", "--relay", address, "--code", environment=home(tmp_path, "a")) as server:
        number = invitation(server)[1].partition("@")[0]
        other = "SHA256:" + "A" * 43
        run = chat("connect", f"{number}@{address}", "--peer", other, environment=home(tmp_path, "b"))
        assert run.returncode in (4, 5, 6)


def test_nobody_there_ends_with_3(tmp_path: Path) -> None:
    with relay() as address:
        run = chat("connect", f"412@{address}", "--accept-new", environment=home(tmp_path, "b"))
        assert run.returncode == 3
        assert "knows nobody of that name" in run.stderr


def test_only_keys_on_the_list_may_hold(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("")
    with relay("--allow", str(tmp_path / "keys")) as address:
        run = chat("serve", "--relay", address, environment=home(tmp_path, "a"))
        assert run.returncode == 3
        assert "does not admit this key" in run.stderr


def test_a_relay_for_elsewhere_asks_for_its_name() -> None:
    with started("relay", "--listen", "0.0.0.0:0") as running:
        running.tells("Without --name nobody elsewhere can hold the name of a key here")


@pytest.mark.parametrize("written", ["bob@relay.example.org", "SHA256:short@relay.example.org"])
def test_other_names_are_no_addresses(written: str) -> None:
    run = chat("connect", written)
    assert run.returncode == 2
    assert "an address has no user name" in complaint(run)
