"""Contacts: kept under a name, found by it, never confused."""

from pathlib import Path

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust.contacts import Contact, Contacts, NoContact
from plytalk.trust.files import locked
from plytalk.trust.store_errors import Corrupt, Exposed, FileInUse, StoreError


def key(number: int) -> PublicKey:
    return PublicKey.of("ssh-ed25519", bytes([number]) * 32)


ALICE = Contact("alice", "chat.example:8000", key(1))
BOB = Contact("bob", None, key(2))


@pytest.fixture
def contacts(tmp_path: Path) -> Contacts:
    return Contacts(tmp_path / "contacts", wait=0)


def put(contacts: Contacts, text: str) -> None:
    contacts.path.write_text(text)
    contacts.path.chmod(0o600)


def test_a_contact_is_found_by_name_and_by_key(contacts: Contacts) -> None:
    assert contacts.all() == []
    assert contacts.add(ALICE)
    assert contacts.add(BOB)
    assert contacts.all() == [ALICE, BOB]
    for name in ("alice", "@alice", "@Alice"):
        assert contacts.get(name) == ALICE
    assert contacts.get("bob").address is None
    assert contacts.named(key(2)) == ["bob"]
    assert contacts.named(key(3)) == []
    assert contacts.path.read_text() == f"alice chat.example:8000 {key(1)}\nbob - {key(2)}\n"
    assert contacts.path.stat().st_mode & 0o777 == 0o600


def test_nobody_of_that_name(contacts: Contacts) -> None:
    contacts.add(ALICE)
    for name in ("carol", "@", "", "ali", "alice "):
        with pytest.raises(NoContact, match="no contact"):
            contacts.get(name)
        with pytest.raises(NoContact, match="no contact"):
            contacts.forget(name)
    assert contacts.all() == [ALICE]


def test_a_name_is_not_given_twice_unless_asked(contacts: Contacts) -> None:
    contacts.add(ALICE)
    contacts.add(BOB)
    moved = Contact("alice", "elsewhere.example:1", key(3))
    assert contacts.add(ALICE) is False
    with pytest.raises(StoreError, match="line 1: alice is taken"):
        contacts.add(moved)
    assert contacts.get("alice") == ALICE
    assert contacts.add(moved, replace=True)
    assert contacts.all() == [moved, BOB]


def test_forgetting_and_adding_keep_what_was_written_by_hand(contacts: Contacts) -> None:
    put(contacts, f"# friends\n\n\talice  chat.example:8000 {key(1)} \r\n# end")
    contacts.add(BOB)
    assert contacts.path.read_bytes() == f"# friends\n\n\talice  chat.example:8000 {key(1)} \r\n# end\n{BOB.line}\n".encode()
    assert contacts.forget("@Alice") == ALICE
    assert contacts.path.read_text() == f"# friends\n\n# end\n{BOB.line}\n"


@pytest.mark.parametrize("name", ["", "-", ".alice", "Alice", "al ice", "alice\n", "@alice", "#alice", "\u0430lice", "a" * 33])
def test_names_are_plain(name: str) -> None:
    with pytest.raises(Usage, match="not a valid contact name"):
        Contact(name, None, key(1))


@pytest.mark.parametrize("address", ["", "-", "a b", "a\n", "a\u202e", "a\u2028b", "a\x1b[m", "a" * 513])
def test_addresses_are_one_printable_word(address: str) -> None:
    with pytest.raises(Usage, match="not an address"):
        Contact("alice", address, key(1))


@pytest.mark.parametrize(
    "line",
    [
        "carol",
        f"carol chat.example:1 {key(1)} more",
        f"carol {key(1)}",
        f"carol chat.example:1 {str(key(1))[:-4]}",
        f"carol chat.example:1 ssh-rsa {str(key(1)).split()[1]}",
        f"Carol chat.example:1 {key(1)}",
        f"carol chat.\x1bexample:1 {key(1)}",
        ALICE.line,
    ],
)
def test_a_line_that_cannot_be_understood_refuses_all_with_its_number(contacts: Contacts, line: str) -> None:
    text = f"{ALICE.line}\n# comment\n{line}\n"
    put(contacts, text)
    for attempt in (contacts.all, lambda: contacts.get("alice"), lambda: contacts.add(BOB), lambda: contacts.forget("alice")):
        with pytest.raises(Corrupt, match="line 3:"):
            attempt()
    assert contacts.path.read_text() == text


def test_a_file_that_others_can_change_or_hold_is_refused(contacts: Contacts) -> None:
    contacts.add(ALICE)
    with locked(contacts.path):
        assert contacts.get("alice") == ALICE
        with pytest.raises(FileInUse):
            contacts.add(BOB)
    contacts.path.chmod(0o620)
    with pytest.raises(Exposed):
        contacts.get("alice")
