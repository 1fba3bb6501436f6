"""The first use of a server that has no host and port: its key is asked about once, and then it is known."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from programs import chat, home, started

Served = Callable[[Path], AbstractContextManager[tuple[Sequence[str], str]]]
"""Serves while a block runs; gives what a client writes, and how known_hosts has the server."""


@contextmanager
def by_socket(folder: Path) -> Iterator[tuple[Sequence[str], str]]:
    path = folder / "Room 1.sock"
    serving = ("serve", "--keep", "--headless", "--door", f"unix:{path}")
    with started(*serving, environment=home(folder, "server")) as server:
        server.tells("Listening on")
        yield (str(path), "--transport", "unix"), f"[{folder}/%52oom%201.sock]".replace("//", "/")


@contextmanager
def by_number(folder: Path) -> Iterator[tuple[Sequence[str], str]]:
    with started("relay", "--listen", "127.0.0.1:0") as relay:
        address = relay.tells("Relaying at ").split()[2].rstrip(".")
        serving = ("serve", "--keep", "--headless", "--relay", address, "--relay-number")
        with started(*serving, environment=home(folder, "server")) as server:
            place = server.tells("The other side connects with:").partition("chat connect ")[2].split()[0]
            yield (place,), f"[{place}]"


@pytest.mark.parametrize("served", [by_socket, by_number])
def test_a_key_is_remembered_at_the_first_use_and_forgotten_when_told(served: Served, tmp_path: Path) -> None:
    environment = home(tmp_path, "guest")
    with served(tmp_path) as (where, stored):
        first = chat("connect", *where, "--accept-new", typed="hello\n", environment=environment)
        assert first.returncode == 0, first.stderr
        assert "Remembered the key SHA256:" in first.stderr
        again = chat("connect", *where, typed="hello\n", environment=environment)
        assert again.returncode == 0, again.stderr
        line = (tmp_path / "guest" / "plytalk" / "known_hosts").read_text()
        assert line.split()[0] == stored
        gone = chat("keys", "forget", where[0], environment=environment)
        assert gone.returncode == 0, gone.stderr
        unknown = chat("connect", *where, typed="hello\n", environment=environment)
        assert unknown.returncode == 4
        assert "is not known yet" in unknown.stderr
