"""Servers that are announced on one local network, and what another network sees of them: real programs, in namespaces."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from namespaces import Namespaces
from programs import COMMAND, Chat, chat, home, started

from tests.system.lan.lan_network import HOME, OFFICE, is_udp, names_group, two_lans, watched

ASK = """
import socket, sys
question = bytes.fromhex("000000000001000000000000085f706c7974616c6b045f746370056c6f63616c00000c") + bytes.fromhex(sys.argv[2])
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(1)
sock.sendto(question, (sys.argv[1], 5353))
try:
    print(len(sock.recv(9000)))
except OSError as error:
    print("nothing")
"""
"""Asks one address for servers, as a program does that is not on its network (RFC 6762 section 5.1)."""


def asked(network: Namespaces, where: str, address: str, kind: str) -> str:
    """How many bytes an address answers to a question for servers; 0001 or 8001 says whether the answer is to be for one."""
    command = network.inside(where, [sys.executable, "-c", ASK, address, kind])
    return subprocess.check_output(command, text=True, timeout=180).strip()


@contextmanager
def announced(
    network: Namespaces, folder: Path, *options: str, name: str = "kitchen", address: str = "10.9.1.1:7591"
) -> Iterator[Chat]:
    """A server in both networks that is announced at home."""
    serving = ("serve", "--host", address, "--lan", HOME, "--lan-name", name, *options)
    with started(*serving, environment=home(folder, name), command=network.inside("server", COMMAND)) as server:
        server.tells("Announced on ")
        yield server


def found(network: Namespaces, folder: Path, *options: str, where: str = "client") -> dict[str, Any]:
    """What `chat find` prints as JSON."""
    run = chat("find", "--json", *options, environment=home(folder, "guest"), command=network.inside(where, COMMAND))
    assert run.returncode == 0, run.stderr
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def connected(network: Namespaces, folder: Path, address: str, *options: str) -> str:
    """What a client is told that comes, says hello and leaves."""
    typed, environment = "hello\n", home(folder, "guest")
    run = chat("connect", address, *options, typed=typed, environment=environment, command=network.inside("client", COMMAND))
    assert run.returncode == 0, run.stderr
    return run.stderr


def test_it_is_found_within_a_second_and_nobody_else_sees_any_of_it(tmp_path: Path) -> None:
    with (
        two_lans() as network,
        watched(network, "bystander", OFFICE) as elsewhere,
        watched(network, "client", HOME) as here,
        announced(network, tmp_path, "--headless", "--keep", address="::") as server,
    ):
        key = server.told[0].partition("(")[2].partition(")")[0]
        result = found(network, tmp_path, "--seconds", "1")
        [one] = result["servers"]
        assert (result["interface"], result["left_out"]) == (HOME, 0)
        assert (one["name"], one["key"], one["known_as"]) == ("kitchen", key, [])
        assert one["addresses"][0] == "10.9.1.1:7591"
        assert one["addresses"][1].startswith("[fe80::")
        assert one["connect"] == "chat connect kitchen.local"
        told = connected(network, tmp_path, "kitchen.local", "--accept-new")
        assert f"announced with the key {key}" in told
        assert "Talking to kitchen.local over" in told
        for kind in ("0001", "8001"):
            assert asked(network, "client", "10.9.1.1", kind) != "nothing"
            assert asked(network, "bystander", "10.9.2.1", kind) == "nothing"
        found_elsewhere = chat("find", environment=home(tmp_path, "guest"), command=network.inside("bystander", COMMAND))
        assert found_elsewhere.returncode == 1
    assert any(is_udp(frame) and names_group(frame) for frame in here)
    assert [frame for frame in elsewhere if is_udp(frame) or names_group(frame)] == []


def test_the_key_is_remembered_for_the_name_whatever_the_port(tmp_path: Path) -> None:
    with two_lans() as network:
        with announced(network, tmp_path, "--headless", "--keep"):
            connected(network, tmp_path, "kitchen.local", "--accept-new")
            [one] = found(network, tmp_path)["servers"]
            assert one["known_as"] == ["[kitchen.local]"]
            connected(network, tmp_path, "kitchen.local")
        with announced(network, tmp_path / "impostor", "--headless", "--keep", address="10.9.1.1:7999"):
            [one] = found(network, tmp_path)["servers"]
            assert one["other_key_is_known"]
            refused = chat(
                "connect", "kitchen.local", "--accept-new",
                environment=home(tmp_path, "guest"), command=network.inside("client", COMMAND),
            )  # fmt: skip
            assert refused.returncode == 5, refused.stderr


def test_it_says_goodbye_however_it_ends(tmp_path: Path) -> None:
    with two_lans() as network:

        def leaves(server: Chat) -> None:
            connected(network, tmp_path, "kitchen.local", "--accept-new")

        ways: dict[str, tuple[tuple[str, ...], Callable[[Chat], None]]] = {
            "Control-C": ((), lambda server: server.process.send_signal(signal.SIGINT)),
            "the system ends it": (("--keep",), lambda server: server.process.send_signal(signal.SIGTERM)),
            "the last member leaves": (("--headless",), leaves),
        }
        for name, (options, end) in ways.items():
            with announced(network, tmp_path, *options) as server, watched(network, "client", HOME) as frames:
                end(server)
                server.process.wait(180)
            assert any(is_udp(frame) and b"\x07kitchen" in frame and GOODBYE in frame for frame in frames), name


GOODBYE = b"\x00\x0c\x00\x01\x00\x00\x00\x00"
"""A pointer record with no time left to live (RFC 6762 section 10.1)."""


def test_a_second_server_of_that_name_gets_a_number(tmp_path: Path) -> None:
    with two_lans() as network, announced(network, tmp_path, "--headless", "--keep") as first:
        assert "as kitchen.local" in first.told[-1]
        with announced(network, tmp_path / "second", "--headless", "--keep", address="10.9.1.1:7592") as second:
            assert "as kitchen-2.local" in second.told[-1]
            assert second.tells("Another server").endswith("is called kitchen, so this one got a number.")
            names = [one["name"] for one in found(network, tmp_path)["servers"]]
            assert names == ["kitchen", "kitchen-2"]


def test_where_nobody_said_where_it_listens_on_that_network_alone(tmp_path: Path) -> None:
    serving = ("serve", "--lan", HOME, "--lan-name", "kitchen", "--headless")
    with (
        two_lans() as network,
        started(*serving, environment=home(tmp_path, "a"), command=network.inside("server", COMMAND)) as server,
    ):
        assert server.tells("Listening on").startswith("Listening on 10.9.1.1:7591 ")
        server.tells("Announced on home as kitchen.local.")
        connected(network, tmp_path, "kitchen.local", "--accept-new")
        assert server.process.wait(180) == 0


def test_every_door_on_that_network_is_announced(tmp_path: Path) -> None:
    doors = ("--door", "ws:0.0.0.0:8080", "--door", f"unix:{tmp_path}/socket", "--door", "tcp:10.9.2.1:7591")
    with two_lans() as network, announced(network, tmp_path, "--headless", "--keep", *doors):
        result = found(network, tmp_path)
        told = {one["name"]: (one["transport"], one["addresses"][0], one["connect"]) for one in result["servers"]}
        assert told == {
            "kitchen": ("tcp", "10.9.1.1:7591", "chat connect kitchen.local"),
            "kitchen-ws": ("ws", "10.9.1.1:8080", "chat connect ws://10.9.1.1:8080/"),
        }


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--host", "127.0.0.1", "--lan", HOME), "Add --host 10.9.1.1 for this network alone, or --host :: for every network."),
        (("--host", "10.9.2.1", "--lan", HOME), "it cannot be reached"),
        (("--host", "10.9.1.1", "--lan"), "Name one: --lan home. There are: home (10.9.1.1), office (10.9.2.1)."),
        (("--host", "10.9.1.1", "--lan", "attic"), "This machine has no network interface 'attic'."),
        (("--host", "10.9.1.1", "--lan", "lo"), "The network interface lo does not carry multicast."),
    ],
    ids=["this machine alone", "another network", "two networks", "unknown", "loopback"],
)
def test_a_server_that_cannot_be_announced_says_why(tmp_path: Path, options: tuple[str, ...], sentence: str) -> None:
    with two_lans() as network:
        refused = chat("serve", *options, environment=home(tmp_path, "a"), command=network.inside("server", COMMAND))
        assert refused.returncode == 2
        assert sentence in refused.stderr


HOLD = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", 5353))
print("holding", flush=True)
sys.stdin.read()
"""
"""Holds the port of multicast DNS for itself, as avahi does with disallow-other-stacks=yes."""


def test_a_program_that_holds_the_port_for_itself_is_said(tmp_path: Path) -> None:
    with two_lans() as network:
        command = network.inside("client", [sys.executable, "-c", HOLD])
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == "holding\n"
            run = chat("find", environment=home(tmp_path, "guest"), command=network.inside("client", COMMAND))
            holder.communicate()
        assert run.returncode == 3
        assert "Another program may hold its port, 5353, for itself" in run.stderr
        assert "Traceback" not in run.stderr
