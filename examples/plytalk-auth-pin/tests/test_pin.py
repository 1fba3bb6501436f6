import asyncio
from itertools import count
from pathlib import Path

import pytest
from plytalk_auth_pin import Pin

from plytalk import ChangedPeer, ChatError, Identity, Peer, Refused, Role, StoreError, UnknownPeer
from plytalk.testing import check_authenticator, check_entry_points

KEY, OTHER_KEY = Identity("rsa", b"the key of the server"), Identity("rsa", b"another key")


class Person:
    """Answers the same to every question, or is not there; remembers what was asked."""

    def __init__(self, answer: bool | None) -> None:
        self.answer, self.asked = answer, list[str]()

    async def ask(self, question: str, otherwise: str) -> bool:
        self.asked.append(question)
        if self.answer is None:
            raise UnknownPeer(question, otherwise)
        return self.answer


YES, NO, NOBODY = True, False, None


def meet(pin: Pin, key: Identity, answer: bool | None, address: str = "example.org:8000") -> Person:
    person = Person(answer)
    asyncio.run(pin.check(Peer(Role.INITIATOR, address, key, person.ask)))
    return person


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "pins"


def test_it_keeps_the_contract_of_an_authenticator(tmp_path: Path) -> None:
    files = (tmp_path / str(number) for number in count())
    check_authenticator(lambda: Pin(next(files)), KEY, OTHER_KEY)


def test_at_first_sight_the_person_is_asked_and_shown_the_fingerprint(file: Path) -> None:
    person = meet(Pin(file), KEY, YES)
    assert len(person.asked) == 1
    assert KEY.fingerprint in person.asked[0]
    assert file.read_text() == f"example.org:8000 {KEY.fingerprint}\n"


def test_a_known_key_passes_without_a_question(file: Path) -> None:
    meet(Pin(file), KEY, YES)
    assert meet(Pin(file), KEY, NOBODY).asked == []


def test_who_says_no_is_not_connected_and_nothing_is_remembered(file: Path) -> None:
    with pytest.raises(Refused, match="not accepted"):
        meet(Pin(file), KEY, NO)
    assert not file.exists()


def test_where_nobody_can_be_asked_a_new_key_is_refused_with_a_hint(file: Path) -> None:
    with pytest.raises(UnknownPeer) as refused:
        meet(Pin(file), KEY, NOBODY)
    assert "--pin-accept-new" in refused.value.sentence
    assert not file.exists()


def test_accept_new_says_yes_to_a_new_key_and_not_to_a_changed_one(file: Path) -> None:
    pin = Pin(file, pin_accept_new=True)
    assert meet(pin, KEY, NOBODY).asked == []
    with pytest.raises(ChangedPeer):
        meet(pin, OTHER_KEY, YES)


def test_a_changed_key_is_refused_whatever_the_person_would_say(file: Path) -> None:
    meet(Pin(file), KEY, YES)
    before = file.read_bytes()
    with pytest.raises(ChangedPeer) as refused:
        meet(Pin(file), OTHER_KEY, YES)
    for part in (KEY.fingerprint, OTHER_KEY.fingerprint, str(file)):
        assert part in refused.value.sentence
    assert file.read_bytes() == before


def test_each_host_and_port_has_its_own_key(file: Path) -> None:
    meet(Pin(file), KEY, YES, "example.org:8000")
    for address in ("example.org:8001", "[::1]:8000", "a socket.sock"):
        assert meet(Pin(file), OTHER_KEY, YES, address).asked
        assert not meet(Pin(file), OTHER_KEY, NOBODY, address).asked
    assert len(file.read_text().splitlines()) == 4


def test_what_another_chat_remembered_while_we_asked_counts(file: Path) -> None:
    class Slow(Person):
        async def ask(self, question: str, otherwise: str) -> bool:
            await Pin(file, pin_accept_new=True).check(Peer(Role.INITIATOR, "example.org:8000", OTHER_KEY, self.ask))
            return True

    with pytest.raises(ChangedPeer):
        asyncio.run(Pin(file).check(Peer(Role.INITIATOR, "example.org:8000", KEY, Slow(YES).ask)))
    assert KEY.fingerprint not in file.read_text()


@pytest.mark.parametrize("line", ["example.org:8000 ", "example.org:8000 SHA256:", "example.org:8000 rubbish"])
def test_a_damaged_line_about_the_server_is_no_yes(file: Path, line: str) -> None:
    file.parent.mkdir()
    file.write_text(line + "\n")
    with pytest.raises(ChangedPeer):
        meet(Pin(file, pin_accept_new=True), KEY, YES)


def test_a_file_that_cannot_be_read_is_a_no(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(StoreError):
        meet(Pin(file, pin_accept_new=True), KEY, YES)


def test_a_file_that_others_can_write_is_a_no(file: Path) -> None:
    meet(Pin(file), KEY, YES)
    file.chmod(0o666)
    with pytest.raises(ChatError, match="other users"):
        meet(Pin(file), KEY, YES)


def test_without_a_file_it_uses_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    meet(Pin(), KEY, YES)
    assert (tmp_path / "pins").exists()


def test_plytalk_finds_it_by_its_entry_point() -> None:
    check_entry_points(Path(__file__).parents[1] / "pyproject.toml", Pin)
