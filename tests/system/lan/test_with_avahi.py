"""Servers that avahi finds, and servers and machines that avahi announces: real programs, in namespaces."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from namespaces import Namespaces
from programs import COMMAND, chat, home, started

from tests.system.lan.avahi import MACHINE, beside_avahi
from tests.system.lan.lan_network import HOME, two_lans

KEY = "SHA256:" + "A" * 42 + "E"


def test_avahi_finds_a_server_with_its_key_over_ipv4_and_ipv6(tmp_path: Path) -> None:
    serving = ("serve", "--host", "::", "--lan", HOME, "--lan-name", "kitchen", "--keep", "--headless")
    with (
        two_lans() as network,
        started(*serving, environment=home(tmp_path, "a"), command=network.inside("server", COMMAND)) as server,
    ):
        server.tells("Announced on home as kitchen.local")
        browsing = beside_avahi(tmp_path, ["avahi-browse", "--resolve", "--parsable", "--terminate", "_plytalk._tcp"])
        run = subprocess.run(network.inside("client", browsing), capture_output=True, text=True, timeout=180, check=True)
        fingerprint = next(line for line in server.told if "SHA256:" in line).partition("(")[2].partition(")")[0]
    found = [line.split(";") for line in run.stdout.splitlines() if line.startswith("=")]
    assert {(one[2], one[3], one[8]) for one in found} == {("IPv4", "kitchen", "7591"), ("IPv6", "kitchen", "7591")}
    assert all(f'"fp={fingerprint}"' in one[9] and '"v=1"' in one[9] for one in found)


@contextmanager
def published(network: Namespaces, folder: Path, *words: str) -> Iterator[None]:
    """avahi runs in the client's network, and announces a server where words are given."""
    command = ["avahi-publish", "-s", *words] if words else ["sleep", "60"]
    publishing = network.inside("client", beside_avahi(folder, command))
    pipe = subprocess.PIPE
    with subprocess.Popen(publishing, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()  # its own name is resolved, so it runs
            if words:
                while "Established" not in process.stderr.readline():
                    assert process.poll() is None
            yield
        finally:
            subprocess.run(network.inside("client", ["pkill", "--parent", str(process.pid)]), check=False)
            process.communicate(timeout=180)


def test_a_server_that_avahi_announces_is_found(tmp_path: Path) -> None:
    with two_lans() as network, published(network, tmp_path, "larder", "_plytalk._tcp", "9999", f"fp={KEY}", "v=1"):
        run = chat(
            "find", "--lan", HOME, "--json", environment=home(tmp_path, "a"), command=network.inside("server", COMMAND)
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        [one] = json.loads(run.stdout)["servers"]
    assert (one["name"], one["key"], one["transport"]) == ("larder", KEY, "tcp")
    assert one["addresses"][0] == "10.9.1.2:9999"
    assert one["connect"] == "chat connect larder.local"


def test_a_machine_that_avahi_announces_is_reached_by_its_name(tmp_path: Path) -> None:
    serving = ("serve", "--host", "0.0.0.0", "--headless")
    with (
        two_lans() as network,
        published(network, tmp_path),
        started(*serving, environment=home(tmp_path, "a"), command=network.inside("client", COMMAND)) as server,
    ):
        server.tells("Listening on")
        network.ip("server", "link", "set", "office", "down")  # so that one network is left
        run = chat(
            "connect", f"{MACHINE}.local", "--accept-new", typed="hello\n",
            environment=home(tmp_path, "b"), command=network.inside("server", COMMAND),
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        assert f"{MACHINE}.local is at 10.9.1.2, as somebody on the network of home says." in run.stderr
        assert server.status() == 0
