"""Endpoints that a choice of layers comes to, and the addresses of contacts."""

from pathlib import Path

import pytest

from plytalk.api.arguments import choose_layers
from plytalk.api.assembly import address_of_contact, make_client, make_server, server_address
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.public_key import PublicKey
from plytalk.testing import RecordingUi
from plytalk.trust.contacts import Contact, Contacts
from plytalk.trust.folders import user_file

KEY = PublicKey.of("ssh-ed25519", bytes(range(32)))


@pytest.mark.parametrize(("make", "role"), [(make_client, Role.INITIATOR), (make_server, Role.RESPONDER)])
async def test_features_and_authenticators_of_the_stack_hear_the_hooks(make, role) -> None:
    choice = choose_layers(RecordingUi(), role, None, {})
    stack = choice.stack()
    endpoint = make(choice, stack)
    assert endpoint.stack is stack
    assert all(choice.registry.manager.is_registered(layer) for layer in (*stack.auths, *stack.features))


def test_a_contact_has_one_address_and_one_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    Contacts(user_file("contacts")).add(Contact("alice", "192.0.2.7:9000", KEY))
    Contacts(user_file("contacts")).add(Contact("bob", None, KEY))
    choice = choose_layers(RecordingUi(), Role.INITIATOR, None, {})
    assert address_of_contact(choice, "@alice") == "192.0.2.7:9000"
    assert choice.options["peer"] == KEY.fingerprint
    with pytest.raises(Usage, match="they have only connected to you") as raised:
        address_of_contact(choice, "@bob")
    assert KEY.fingerprint in raised.value.hint


def test_an_address_that_names_a_key_admits_that_key_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    Contacts(user_file("contacts")).add(Contact("alice", "192.0.2.7:9000", KEY))
    for written, address in [("@alice", "192.0.2.7:9000"), (f"{KEY.fingerprint}@relay", f"{KEY.fingerprint}@relay")]:
        choice = choose_layers(RecordingUi(), Role.INITIATOR, None, {})
        assert server_address(choice, written) == address
        assert choice.options["peer"] == KEY.fingerprint
        assert [layer.name for layer in choice.classes["auth"]] == ["peer"]


@pytest.mark.parametrize(
    ("written", "address"),
    [("192.0.2.7", "192.0.2.7"), ("412@relay", "412@relay"), ("wss://host/room", "host:443"), ("room.sock", "room.sock")],
)
def test_an_address_without_a_key_pins_none(written: str, address: str) -> None:
    choice = choose_layers(RecordingUi(), Role.INITIATOR, None, {})
    assert server_address(choice, written) == address
    assert "peer" not in choice.options
