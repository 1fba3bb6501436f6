import shlex
from pathlib import Path

import pytest
from judging import ALICE, BOB, Shown

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChangedPeer, Refused, UnknownPeer, Usage
from plytalk.core.contracts.peers import Identity
from plytalk.plugins.authenticators.known_hosts import KnownHosts, host_and_port
from plytalk.trust.files import locked
from plytalk.trust.host_keys import KnownHostsFile
from plytalk.trust.store_errors import Corrupt, FileInUse


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "known_hosts"


async def test_a_new_key_is_shown_asked_about_and_remembered(file: Path) -> None:
    shown = await Shown(ALICE, answers=True).to(KnownHosts(file))
    assert len(shown.questions) == 1
    assert ALICE.fingerprint in shown.questions[0]
    assert file.read_text() == f"[chat.example.org]:7591 {ALICE}\n"
    again = await Shown(ALICE).to(KnownHosts(file))
    assert again.questions == again.said == []


async def test_a_no_remembers_nothing(file: Path) -> None:
    with pytest.raises(UnknownPeer, match="You said no"):
        await Shown(ALICE, answers=False).to(KnownHosts(file))
    assert not file.exists()


async def test_accept_new_does_not_ask_about_a_new_key_and_does_not_take_a_changed_one(file: Path) -> None:
    shown = await Shown(ALICE).to(KnownHosts(file, accept_new=True))
    assert shown.said == [f"Remembered the key {ALICE.fingerprint} of chat.example.org:7591 in {file}."]
    with pytest.raises(ChangedPeer, match="not the one remembered"):
        await Shown(BOB).to(KnownHosts(file, accept_new=True))
    assert file.read_text() == f"[chat.example.org]:7591 {ALICE}\n"


async def test_every_port_and_every_name_is_a_server_of_its_own(file: Path) -> None:
    await Shown(ALICE).to(KnownHosts(file, accept_new=True))
    for address in ("chat.example.org:7592", "chat.example.com:7591", "[::1]:7591"):
        shown = await Shown(BOB, address, answers=True).to(KnownHosts(file))
        assert len(shown.questions) == 1
    with pytest.raises(ChangedPeer):
        await Shown(BOB, "CHAT.example.org:7591").to(KnownHosts(file))  # names have no capitals


async def test_a_key_that_another_program_remembered_meanwhile_is_no_matter(file: Path) -> None:
    asked = Shown(ALICE, answers=True)
    original = asked._ask

    async def meanwhile(question: str, otherwise: str) -> bool:
        KnownHostsFile(file).add("chat.example.org", 7591, ALICE)
        return await original(question, otherwise)

    asked.peer = type(asked.peer)(asked.peer.role, asked.peer.address, asked.peer.identity, meanwhile)
    await asked.to(KnownHosts(file))
    assert file.read_text().count("\n") == 1


async def test_a_revoked_key_is_refused_even_where_it_is_remembered_too(file: Path) -> None:
    file.write_text(f"@revoked * {ALICE}\n[chat.example.org]:7591 {ALICE}\n")
    with pytest.raises(Refused, match="is revoked"):
        await Shown(ALICE).to(KnownHosts(file, accept_new=True))


async def test_a_file_that_cannot_be_understood_or_locked_is_no_yes(file: Path) -> None:
    file.write_text("damaged\n")
    with pytest.raises(Corrupt):
        await Shown(ALICE, answers=True).to(KnownHosts(file, accept_new=True))
    file.unlink()
    auth = KnownHosts(file, accept_new=True)
    auth._store = KnownHostsFile(file, wait=0)
    with locked(file), pytest.raises(FileInUse):
        await Shown(ALICE).to(auth)


async def test_a_key_in_another_form_is_refused_in_words(file: Path) -> None:
    with pytest.raises(Refused, match=r"\(rsa\) cannot be stored in known_hosts"):
        await Shown(Identity("rsa", b"0\x82\x01"), answers=True).to(KnownHosts(file, accept_new=True))
    assert not file.exists()


PLACES = {
    "/run/chat.socket": "[/run/chat.socket]",
    "/run/user/1000/Bob's room, *": "[/run/user/1000/%42ob%27s%20room%2c%20%2a]",
    "412@relay.example.org:7592": "[412@relay.example.org:7592]",
    "kitchen.local": "[kitchen.local]",
    "memory:here": "[memory:here]",
    "chat.example.org": "[chat.example.org]",
    "|1|hidden": "[%7c1%7chidden]",
}
"""Addresses of transports without a host and a port, and how the file has them."""


@pytest.mark.parametrize("address", PLACES)
async def test_every_address_that_a_transport_can_have_is_remembered(address: str, file: Path) -> None:
    await Shown(ALICE, address, answers=True).to(KnownHosts(file))
    assert file.read_text() == f"{PLACES[address]} {ALICE}\n"
    assert (await Shown(ALICE, address).to(KnownHosts(file))).questions == []
    with pytest.raises(ChangedPeer, match="not the one remembered") as changed:
        await Shown(BOB, address).to(KnownHosts(file))
    assert shlex.split(changed.value.hint.partition("chat keys forget ")[2])[0] == address


async def test_no_two_places_have_one_name(file: Path) -> None:
    """Nor has a place that of a host: `chat.example.org` alone is a server of OpenSSH's, on port 22."""
    file.write_text(f"chat.example.org,/run/chat.socket {BOB}\n")
    for address in ("chat.example.org", "/run/chat.socket", "/run/Chat.socket", "/run/%43hat.socket"):
        assert len((await Shown(ALICE, address, answers=True).to(KnownHosts(file))).questions) == 1


@pytest.mark.parametrize("address", ["", "x" * 513])
async def test_an_address_that_is_none_is_refused_in_words(address: str, file: Path) -> None:
    with pytest.raises(Usage, match="cannot be stored in known_hosts"):
        await Shown(ALICE, address, answers=True).to(KnownHosts(file))


@pytest.mark.parametrize(
    ("address", "taken_apart"),
    [
        ("chat.example.org:7591", ("chat.example.org", 7591)),
        ("127.0.0.1:1", ("127.0.0.1", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("[fe80::1%eth0]:9000", ("fe80::1%eth0", 9000)),
        ("chat.example.org:0", ("chat.example.org:0", None)),
    ],
)
def test_addresses_are_taken_apart(address: str, taken_apart: tuple[str, int | None]) -> None:
    assert host_and_port(address) == taken_apart


def test_the_file_is_ones_own_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    auth: Authenticator = KnownHosts()
    assert isinstance(auth, KnownHosts)
    assert auth._store.path == tmp_path / "known_hosts"
