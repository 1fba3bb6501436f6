"""Two people at home, each behind a NAT, and one code that is read out over the phone: they talk, and one sends a film."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from namespaces import Namespaces
from offering import written
from people import environment
from programs import COMMAND, started

from tests.system.nat.network import MIDDLE_FOR_CLIENT, MIDDLE_FOR_SERVER, two_nats

screens = pytest.importorskip("screens", reason="pexpect and pyte play the terminal")


@pytest.fixture
def homes() -> Iterator[Namespaces]:
    """Both homes, and a relay that both can reach."""
    with two_nats() as network:
        relaying = ("relay", "--listen", "0.0.0.0", "--name", MIDDLE_FOR_CLIENT, "--name", MIDDLE_FOR_SERVER)
        with started(*relaying, command=network.inside("middle", COMMAND)) as relay:
            relay.tells("Relaying at ")
            yield network


@contextlib.contextmanager
def at_home(network: Namespaces, side: str, home: Path, *arguments: str) -> Iterator["screens.Screen"]:
    """A program in a terminal at one of the two homes."""
    home.mkdir()
    with screens.shown(command=network.inside(side, [*COMMAND, *arguments]), environment=environment(home), rows=40) as screen:
        yield screen


def seen(screen: "screens.Screen", pattern: str) -> str:
    """What the screen shows of a pattern, once it does."""
    screen.until(lambda: any(re.search(pattern, row) for row in screen.rows))
    return next(found[0] for row in screen.rows if (found := re.search(pattern, row)))


def test_with_one_code_they_talk_and_a_film_is_sent(homes: Namespaces, tmp_path: Path) -> None:
    film = written(tmp_path / "film.mkv", 20_000_000)
    serving = ("serve", "--relay", MIDDLE_FOR_SERVER, "--code", "--name", "alice")
    with at_home(homes, "server", tmp_path / "a", *serving) as alice:
        number = seen(alice, r"\b[0-9]+@").rstrip("@")
        code = seen(alice, r"\b[0-9]+-[a-z]+-[a-z]+\b")
        assert code.split("-")[0] == number
        connecting = ("connect", f"{number}@{MIDDLE_FOR_CLIENT}", "--code", "--name", "bob", "--into", str(tmp_path / "films"))
        with at_home(homes, "client", tmp_path / "b", *connecting) as bob:
            bob.until(lambda: bob.before_cursor.startswith("One-time code:"))
            bob.type(f"{code}\r")
            bob.until("[lobby]")
            bob.type("it works\r")
            alice.until("bob: it works")
            alice.type(f"/send {film}\r")
            bob.until("film.mkv (20.0 MB)")
            bob.type("/accept\r")
            bob.type("and we go on talking\r")
            alice.until("bob: and we go on talking")
            bob.until("has arrived")
            assert (tmp_path / "films" / "film.mkv").read_bytes() == film.read_bytes()


def test_a_film_needs_no_conversation(homes: Namespaces, tmp_path: Path) -> None:
    film = written(tmp_path / "film.mkv", 20_000_000)
    with at_home(homes, "server", tmp_path / "a", "send", str(film), "--relay", MIDDLE_FOR_SERVER) as alice:
        number = seen(alice, r"chat receive [0-9]+@").split()[-1]
        code = seen(alice, r"^[0-9]+-[a-z]+-[a-z]+$")
        assert f"{code.partition('-')[0]}@" == number
        receiving = ("receive", f"{number}{MIDDLE_FOR_CLIENT}", "--yes", "--into", str(tmp_path / "films"))
        with at_home(homes, "client", tmp_path / "b", *receiving) as bob:
            bob.until(lambda: bob.before_cursor.startswith("One-time code:"))
            bob.type(f"{code}\r")
            assert bob.ended() == 0
        assert alice.ended() == 0
    assert (tmp_path / "films" / "film.mkv").read_bytes() == film.read_bytes()
