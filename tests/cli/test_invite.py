"""The line that a server's user passes on, and what else the server says of who may come and who has come."""

import shlex
import socket
from pathlib import Path

import pytest
from programs import ENVIRONMENT, chat, connect, serve

from plytalk.cli.invite import host, port, reachable
from plytalk.core.endpoints.listening import Door
from plytalk.plugins.uis.console import Console

PASTE = "The other side connects with:  "


@pytest.fixture
def home(tmp_path: Path):
    return {**ENVIRONMENT, "HOME": str(tmp_path), "PLYTALK_HOME": str(tmp_path / "server")}


def line(server) -> str:
    """The line to paste, without the address."""
    words = server.tells(PASTE).removeprefix(PASTE).split()
    assert words[:3] == ["chat", "connect", f"127.0.0.1:{server.port}"]
    return " ".join(words[3:])


def fingerprint(home) -> str:
    return chat("keys", "show", environment=home).stdout.splitlines()[1].strip()


@pytest.mark.parametrize(
    ("options", "pasted"),
    [
        (["--profile", "demo01"], "--profile demo01"),
        (["--cipher", "none"], "--profile demo01"),
        (["--suite", "classical"], "--suite classical --peer KEY"),
        (
            ["--handshake", "noise", "--pattern", "NN", "--no-identity", "--prologue", "a b"],
            "--framer u16 --handshake noise --cipher noise --messages records --pattern NN --prologue 'a b' --no-identity",
        ),
        (["--cipher", "chacha20poly1305"], "--framer typed --handshake rsa --cipher chacha20poly1305 --messages text"),
    ],
    ids=["profile", "layers that are a profile", "suite", "a pattern", "layers that are none"],
)
def test_the_line_names_what_both_sides_must_have_alike(options: list[str], pasted: str, home) -> None:
    with serve(*options, environment=home) as server:
        assert line(server) == pasted.replace("KEY", fingerprint(home) if "KEY" in pasted else "")


def test_the_default_stack_needs_the_key_alone_and_the_line_works_as_it_is(home, tmp_path: Path) -> None:
    with serve(environment=home) as server:
        pasted = line(server)
        assert pasted == f"--peer {fingerprint(home)}"
        guest = {**home, "PLYTALK_HOME": str(tmp_path / "client")}
        with connect(server.port, *pasted.split(), environment=guest) as client:
            shown = server.tells("Unknown key ")
            client.end_input()
            assert client.status() == 0
    assert shown == f"Unknown key {fingerprint(guest)} (127.0.0.1)"


def test_a_key_of_one_s_own_is_known_as_yourself(home) -> None:
    with serve(environment=home) as server, connect(server.port, *line(server).split(), environment=home) as client:
        assert server.tells("shows the key").endswith("known as yourself.")
        client.end_input()
        assert client.status() == 0


def test_contacts_that_cannot_be_read_are_said_and_the_guest_is_a_stranger(home, tmp_path: Path) -> None:
    with serve(environment=home) as server:
        pasted = line(server).split()
        (tmp_path / "server" / "contacts").write_text("no contact at all\n")
        with connect(server.port, *pasted, environment={**home, "PLYTALK_HOME": str(tmp_path / "client")}) as client:
            server.tells("Unknown key ")
            client.end_input()
            assert client.status() == 0
    assert any("contacts" in told and "line 1" in told for told in server.told[:-1])


def test_who_may_come_in_is_said_where_nobody_is_asked(home, tmp_path: Path) -> None:
    chat("keys", "psk", str(tmp_path / "psk"), environment=home)
    guest = {**home, "PLYTALK_HOME": str(tmp_path / "client")}
    for options, said in (([], True), (["--psk-file", str(tmp_path / "psk")], False), (["--profile", "demo01"], False)):
        with serve(*options, environment=home) as server:
            with connect(server.port, *shlex.split(line(server)), environment=guest) as client:
                client.end_input()
                assert client.status() == 0  # by then the server has said all that it says at the beginning
            server.process.terminate()
            server.status()
        assert any(told.startswith("Anyone on this machine") for told in server.told) is said


def test_the_line_with_a_psk_works_as_it_stands(home, tmp_path: Path) -> None:
    file = tmp_path / "the key"
    chat("keys", "psk", str(file), environment=home)
    with serve("--psk-file", str(file), environment=home) as server:
        pasted = shlex.split(line(server))
        with connect(server.port, *pasted, environment={**home, "PLYTALK_HOME": str(tmp_path / "client")}) as client:
            client.end_input()
            assert client.status() == 0
    assert pasted[-2:] == ["--psk-file", str(file)]


def test_who_shows_no_key_is_no_newcomer(home) -> None:
    with serve("--profile", "secure-chat", environment=home) as server:
        with connect(server.port, "--profile", "secure-chat", environment=home) as client:
            client.end_input()
            assert client.status() == 0
        assert server.status() == 0
    assert not any("key SHA256:" in told for told in server.told)


@pytest.mark.parametrize("address", ["127.0.0.1:7591", "[::1]:7591", "192.0.2.7:7591", "a-socket"])
def test_an_address_that_can_be_typed_stays(address: str) -> None:
    assert reachable(address) == address


@pytest.mark.parametrize(
    ("address", "family"), [("0.0.0.0:7591", socket.AF_INET), ("[::]:7591", socket.AF_INET6)], ids=["IPv4", "IPv6"]
)
def test_a_wildcard_becomes_an_address_of_this_machine_with_the_same_port(address: str, family: socket.AddressFamily) -> None:
    shown = reachable(address)
    assert port(shown) == ":7591"
    if shown == address:
        pytest.skip("this machine has no address that others could reach: connect it to a network")
    with socket.socket(family) as own:
        own.bind((host(shown).strip("[]"), 0))


def test_the_zone_of_an_address_is_printed_and_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from plytalk.cli import invite

    monkeypatch.setattr(invite, "open_to_all", lambda stack: False)
    monkeypatch.setattr(invite, "invitation", lambda choice, stack, address: f"chat connect '{reachable(address)}'")
    tcp = SimpleNamespace(name="tcp", only_place="", is_given_address=False, names_place=False, guests="")
    stack = SimpleNamespace(transport=tcp, ui=Console(), auths=[], features=[])
    told = list(
        invite.announce(
            SimpleNamespace(options={}),
            [Door(stack, "[fe80::1%eth0]:7591")],
        )
    )  # type: ignore[arg-type]
    assert told[0].sentence == "The other side connects with:  chat connect '[fe80::1%eth0]:7591'"
    assert told[1] == "In place of eth0 the other side writes its own interface: `ip link` or `ipconfig` shows it."
