"""Two people, each behind a NAT, meet at a relay: real programs, in network namespaces that the test makes."""

import re
from pathlib import Path

import pytest
from namespaces import Namespaces
from programs import COMMAND, chat, home, started

from tests.system.nat.network import MIDDLE_FOR_CLIENT, MIDDLE_FOR_SERVER, two_nats

TIMES = 20
CANARY = "canary-that-no-relay-may-see"


def memory_of(pid: int) -> bytes:
    """All that a process can write to, as it is now (Linux)."""
    found = bytearray()
    with Path(f"/proc/{pid}/maps").open() as maps, Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in maps:
            place, rights = line.split()[:2]
            first, last = (int(end, 16) for end in place.split("-"))
            if rights.startswith("rw") and last - first < 1 << 28:
                memory.seek(first)
                try:
                    found += memory.read(last - first)
                except OSError:  # of a special region
                    continue
    return bytes(found)


def once(network: Namespaces, folder: Path, name: str, number: int) -> str:
    """One client comes and says something; what it was told."""
    run = chat(
        "connect", f"{name}@{MIDDLE_FOR_CLIENT}", "--name", f"guest{number}", typed=f"{CANARY} {number}\n",
        environment=home(folder, "b"), command=network.inside("client", COMMAND),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stderr


def test_twenty_of_twenty_meet_and_the_relay_sees_no_word(tmp_path: Path) -> None:
    with two_nats() as network:
        relaying = ("relay", "--listen", "0.0.0.0", "--name", MIDDLE_FOR_CLIENT, "--name", MIDDLE_FOR_SERVER)
        serving = ("serve", "--relay", MIDDLE_FOR_SERVER, "--keep")
        with started(*relaying, command=network.inside("middle", COMMAND)) as relay:
            relay.tells("Relaying at ")
            with started(*serving, environment=home(tmp_path, "a"), command=network.inside("server", COMMAND)) as server:
                line = server.tells("The other side connects with:")
                name = re.search(r"(SHA256:\S{43})@", line)
                assert name is not None
                for number in range(TIMES):
                    once(network, tmp_path, name[1], number)
                    assert server.hear_words() == f"{CANARY} {number}"
                memory = memory_of(relay.process.pid)
                assert len(memory) > 1 << 20
                assert CANARY.encode() not in memory


def test_without_a_relay_neither_reaches_the_other(tmp_path: Path) -> None:
    with two_nats() as network:
        run = chat(
            "connect",
            "203.0.113.2:7591",
            "--accept-new",
            environment=home(tmp_path, "b"),
            command=network.inside("client", COMMAND),
        )
        assert run.returncode == 3


@pytest.mark.parametrize("name", ["412"])
def test_an_unknown_name_is_told_through_both_nats(tmp_path: Path, name: str) -> None:
    with two_nats() as network, started("relay", "--listen", "0.0.0.0:7592", command=network.inside("middle", COMMAND)) as relay:
        relay.tells("Relaying at ")
        run = chat(
            "connect", f"{name}@{MIDDLE_FOR_CLIENT}", "--accept-new",
            environment=home(tmp_path, "b"), command=network.inside("client", COMMAND),
        )  # fmt: skip
        assert run.returncode == 3
        assert "knows nobody of that name" in run.stderr
