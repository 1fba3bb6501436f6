"""`chat find`: what is announced, beside what this user knows."""

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from neighbours import KEY, LO

from plytalk.cli import find_command
from plytalk.cli.find_command import MOST_SHOWN, find
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.lan.lan_interface import LanInterface
from plytalk.plugins.lan.lan_search import FoundServer, SearchResult
from plytalk.plugins.lan.service_record import ServiceText
from plytalk.trust.contacts import Contact, Contacts
from plytalk.trust.folders import user_file
from plytalk.trust.host_keys import KnownHostsFile

OURS = PublicKey.parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJCdozw8SO1j054iMPgd1AKZMgNbZ+NB87hmVqzMtwVg")
WITH = ServiceText(OURS.fingerprint, True, "tcp")


def server(name: str = "kitchen", text: ServiceText = WITH, addresses: tuple[str, ...] = ("192.0.2.7",)) -> FoundServer:
    return FoundServer(name, addresses, 7591, text)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr(find_command, "choose_interface", lambda given: LO)


def shown(monkeypatch: pytest.MonkeyPatch, *servers: FoundServer, ignored: int = 0, options: tuple[str, ...] = ()) -> str:
    """What is printed where these are found."""

    async def search(interface: LanInterface, seconds: float) -> SearchResult:
        return SearchResult(list(servers), ignored)

    monkeypatch.setattr(find_command, "search", search)
    result = CliRunner().invoke(find, options, standalone_mode=False)
    assert result.exception is None
    assert result.return_value == (0 if servers or options else 1)
    return result.output


def test_a_stranger_is_shown_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown(monkeypatch, server(addresses=("192.0.2.7", "fe80::7%lo")))
    assert told.splitlines()[-3:] == [
        "kitchen  192.0.2.7:7591, [fe80::7%lo]:7591",
        f"    {OURS.fingerprint}  not known",
        "    chat connect kitchen.local",
    ]
    assert "--peer" not in told


def test_a_known_key_has_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    Contacts(user_file("contacts")).add(Contact("alice", None, OURS))
    store = KnownHostsFile(user_file("known_hosts"))
    store.add("kitchen.local", None, OURS)
    store.add("192.0.2.7", 9000, OURS, hashed=True)
    told = shown(monkeypatch, server())
    assert f"{OURS.fingerprint}  @alice, [kitchen.local], line 2 of known_hosts" in told
    assert "Another key" not in told


def test_another_key_than_the_remembered_one_is_shown_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    KnownHostsFile(user_file("known_hosts")).add("kitchen.local", None, OURS)
    told = shown(monkeypatch, server(text=ServiceText(KEY, True, "tcp")))
    assert f"{KEY}  not known" in told
    assert "Another key is remembered for this name: `chat connect` will refuse this one." in told


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (server("a b"), "chat connect 192.0.2.7:7591"),
        (server(text=ServiceText(None, True, "ws")), "chat connect ws://192.0.2.7:7591/"),
        (server(text=ServiceText(KEY, True, "tls")), "chat connect 192.0.2.7:7591 --transport tls"),
        (server(text=ServiceText(KEY, False, "tcp")), "another stack: ask for the line that `chat serve` shows"),
        (server(text=ServiceText(KEY, True, None)), "another stack: ask for the line that `chat serve` shows"),
    ],
    ids=["no label", "ws", "tls", "another stack", "another transport"],
)
def test_the_line_to_paste(monkeypatch: pytest.MonkeyPatch, found: FoundServer, line: str) -> None:
    assert f"    {line}\n" in shown(monkeypatch, found)


def test_a_crowd_is_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown(monkeypatch, *(server(f"n{number}") for number in range(MOST_SHOWN + 5)), ignored=7)
    assert told.count("    chat connect ") == MOST_SHOWN
    assert "12 more answers are left out: too many, malformed, or not of this network." in told


def test_nobody_there_is_a_failure_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch) == "No server is announced on lo. `chat serve --lan` announces one.\n"


def test_programs_get_json(monkeypatch: pytest.MonkeyPatch) -> None:
    told = json.loads(shown(monkeypatch, server("k", ServiceText(None, True, "tcp")), ignored=2, options=("--json",)))
    assert told == {
        "interface": "lo",
        "servers": [
            {
                "name": "k", "addresses": ["192.0.2.7:7591"], "transport": "tcp", "key": None, "known_as": [],
                "other_key_is_known": False, "connect": "chat connect k.local",
            }
        ],
        "left_out": 2,
    }  # fmt: skip
    assert json.loads(shown(monkeypatch, options=("--json",)))["servers"] == []


def test_without_the_package_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zeroconf", None)
    result = CliRunner().invoke(find, [], standalone_mode=False)
    assert isinstance(result.exception, Usage)
    assert result.exception.hint == "Install it with: pip install zeroconf"
