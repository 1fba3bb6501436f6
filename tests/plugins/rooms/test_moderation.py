"""What a server remembers about keys: it survives a restart, is never half known, and a name has one holder."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms import moderation as registers
from plytalk.plugins.rooms.member_names import BadName, alike
from plytalk.plugins.rooms.moderation import MAX_KEY, MAX_NAMES, Moderation, NameNotKept, NameTaken
from plytalk.trust.files import locked
from plytalk.trust.folders import user_file
from plytalk.trust.store_errors import Corrupt, Exposed, FileInUse, StoreError


def key(number: int) -> PublicKey:
    return PublicKey.of("ssh-ed25519", number.to_bytes(32, "big"))


ALICE, BOB, MALLORY = key(1), key(2), key(3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rooms"


@pytest.fixture(params=["file", "memory"])
def moderation(request: pytest.FixtureRequest, path: Path) -> Moderation:
    return Moderation(path if request.param == "file" else None, wait=0)


def put(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


# -- names ----------------------------------------------------------------------------------------------------------------


def test_a_name_belongs_to_the_key_that_claimed_it(moderation: Moderation) -> None:
    assert moderation.holder("Alice B.") is None
    assert moderation.claim("  Alice   B. ", ALICE) == "Alice B."
    assert moderation.name_of(ALICE) == "Alice B."
    assert moderation.holder("alice b.") == ALICE
    assert moderation.holder("alice b.", besides=ALICE) is None
    assert moderation.claim("Alice B.", ALICE) == "Alice B."


@pytest.mark.parametrize("name", ["alice", "ALICE", "AIice", "a1ice", "\u0430lice", "al\u0456ce", "\uff41lice"])
def test_nobody_takes_it_nor_one_that_looks_like_it(moderation: Moderation, name: str) -> None:
    moderation.claim("alice", ALICE)
    with pytest.raises(NameTaken):
        moderation.claim(name, MALLORY)
    assert moderation.name_of(MALLORY) is None


def test_a_name_like_two_others_is_taken_even_for_the_holder_of_one(moderation: Moderation) -> None:
    moderation.claim("paypal", ALICE)  # "PaypaI" as written
    moderation.claim("paypai", BOB)  # "PaypaI" in lowercase letters
    for one in (ALICE, BOB):
        with pytest.raises(NameTaken):
            moderation.claim("PaypaI", one)
    assert (moderation.name_of(ALICE), moderation.name_of(BOB)) == ("paypal", "paypai")


def test_a_new_name_frees_the_old_one(moderation: Moderation) -> None:
    moderation.claim("alice", ALICE)
    moderation.claim("Alice", ALICE)
    assert moderation.name_of(ALICE) == "Alice"
    moderation.claim("carol", ALICE)
    assert moderation.holder("alice") is None
    assert moderation.claim("alice", BOB) == "alice"
    with pytest.raises(NameTaken):
        moderation.claim("alice", ALICE)
    assert moderation.name_of(ALICE) == "carol"


def test_a_name_can_be_released(moderation: Moderation) -> None:
    moderation.claim("alice", ALICE)
    assert moderation.release(ALICE)
    assert not moderation.release(ALICE)
    assert moderation.claim("alice", BOB) == "alice"


def test_what_is_no_name_cannot_be_claimed(moderation: Moderation) -> None:
    with pytest.raises(BadName, match="cannot have U\\+000A"):
        moderation.claim("alice\nban", ALICE)
    assert moderation.name_of(ALICE) is None


def test_there_is_an_end_to_names_and_to_keys(path: Path) -> None:
    put(path, "".join(f"name {key(number)} n{number:o}x\n" for number in range(10, 10 + MAX_NAMES - 1)))
    moderation = Moderation(path)
    assert moderation.claim("alice", ALICE) == "alice"
    with pytest.raises(NameNotKept):
        moderation.claim("bob", BOB)
    assert moderation.claim("carol", ALICE) == "carol"  # one for each key: it takes no more room
    assert moderation.ban(BOB)
    assert moderation.release(ALICE)
    with pytest.raises(NameNotKept):
        moderation.claim("dave", PublicKey.of("x", bytes(MAX_KEY)))
    assert moderation.claim("bob", BOB) == "bob"
    put(path, path.read_text() + f"name {ALICE} alice\n")
    with pytest.raises(Corrupt, match=f"more than {MAX_NAMES} names"):
        moderation.load()


# -- marks ----------------------------------------------------------------------------------------------------------------

MARKS = [
    ("op", "deop", "is_op"),
    ("ban", "unban", "is_banned"),
    ("mute", "unmute", "is_muted"),
]


@pytest.mark.parametrize(("mark", "unmark", "is_marked"), MARKS)
def test_a_mark_is_set_and_taken_away(moderation: Moderation, mark: str, unmark: str, is_marked: str) -> None:
    def marks(number: PublicKey) -> list[str]:
        return [name for _, _, name in MARKS if getattr(moderation, name)(number)]

    assert marks(ALICE) == []
    assert getattr(moderation, mark)(ALICE)
    assert not getattr(moderation, mark)(ALICE)
    assert marks(ALICE) == [is_marked]
    assert marks(BOB) == []
    assert getattr(moderation, unmark)(ALICE)
    assert not getattr(moderation, unmark)(ALICE)
    assert marks(ALICE) == []


# -- the file -------------------------------------------------------------------------------------------------------------


def test_everything_is_known_after_a_restart(path: Path) -> None:
    before = Moderation(path)
    before.claim("Foo Bar", ALICE)
    before.claim("\u00c9lise", BOB)
    before.op(ALICE)
    before.ban(MALLORY)
    before.mute(BOB)
    text = path.read_text(encoding="utf-8")
    timeless = re.sub(r"\d{4}(-\d\d){2}T(\d\d:){2}\d\dZ", "TIME", text)
    assert timeless == (f"name {ALICE} Foo Bar\nname {BOB} \u00c9lise\nop {ALICE}\nban {MALLORY} TIME\nmute {BOB}\n")
    assert path.stat().st_mode & 0o077 == 0
    after = Moderation(path)
    assert after.name_of(ALICE) == "Foo Bar"
    assert after.holder("elise") is None
    assert after.holder("\u00c9LISE") == BOB
    assert after.is_op(ALICE)
    assert after.is_banned(MALLORY)
    assert after.is_muted(BOB)
    assert path.read_text(encoding="utf-8") == text


def test_what_was_written_by_hand_stays_and_counts_from_the_next_load(path: Path) -> None:
    put(path, f"# our operators\n\top  {ALICE} \r\n\n")
    moderation = Moderation(path)
    assert moderation.is_op(ALICE)
    put(path, path.read_text() + f"ban {MALLORY}\n# end")
    assert not moderation.is_banned(MALLORY)
    moderation.load()
    assert moderation.is_banned(MALLORY)
    moderation.op(BOB)
    assert path.read_text() == f"# our operators\n\top  {ALICE} \n\nban {MALLORY}\n# end\nop {BOB}\n"
    assert moderation.deop(ALICE)
    assert path.read_text() == f"# our operators\n\nban {MALLORY}\n# end\nop {BOB}\n"


def test_a_change_takes_in_what_another_wrote(path: Path) -> None:
    ours, theirs = Moderation(path), Moderation(path)
    theirs.claim("alice", ALICE)
    theirs.ban(MALLORY)
    with pytest.raises(NameTaken):
        ours.claim("alice", BOB)
    assert not ours.ban(MALLORY)
    assert ours.is_banned(MALLORY)
    assert ours.name_of(ALICE) == "alice"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("banned KEY", "neither"),
        ("Ban KEY", "neither"),
        ("ban", "neither|base64|key"),
        ("ban KEY mallory", "a time"),
        ("name KEY", "neither"),
        ("ban ssh-ed25519 AAAA*", "base64"),
        ("ban ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB", "another type"),
        ("name KEY alice", "has a name already"),
        ("name KEY2 B0b", "another key's, or looks like it"),
        ("name KEY2 foo:", "cannot have ':'"),
        ("name KEY2 foo  bar", "is written 'foo bar'"),
        ("name KEY2 server", "not a name for a member"),
        ("op KEY", "twice"),
        ("name KEY2 \udcff", "U\\+DCFF"),
    ],
)
def test_a_line_that_cannot_be_understood_refuses_the_file(path: Path, line: str, why: str) -> None:
    put(path, f"op {ALICE}\nname {ALICE} bob\n")
    moderation = Moderation(path)
    text = f"# first\nop {ALICE}\nname {ALICE} bob\n" + line.replace("KEY2", str(BOB)).replace("KEY", str(ALICE)) + "\n"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    for attempt in (
        lambda: Moderation(path),
        moderation.load,
        lambda: moderation.ban(MALLORY),
        lambda: moderation.claim("eve", MALLORY),
    ):
        with pytest.raises(Corrupt, match=f"line 4: .*({why})") as refusal:
            attempt()
        assert refusal.value.line == 4
    assert path.read_bytes() == text.encode("utf-8", "surrogateescape")
    assert moderation.is_op(ALICE)
    assert moderation.name_of(ALICE) == "bob"
    assert not moderation.is_banned(MALLORY)


def test_a_file_that_is_gone_is_not_an_empty_one(path: Path) -> None:
    moderation = Moderation(path)
    moderation.ban(MALLORY)
    path.unlink()
    for attempt in (moderation.load, lambda: moderation.op(ALICE)):
        with pytest.raises(StoreError, match="is gone"):
            attempt()
    assert moderation.is_banned(MALLORY)
    assert not path.exists()
    put(path, "")
    moderation.load()
    assert not moderation.is_banned(MALLORY)


def test_a_file_that_others_can_change_is_refused(path: Path) -> None:
    put(path, f"op {ALICE}\n")
    path.chmod(0o666)
    with pytest.raises(Exposed):
        Moderation(path)


def test_a_change_that_cannot_be_written_is_none(path: Path) -> None:
    moderation = Moderation(path, wait=0)
    moderation.ban(MALLORY)
    with locked(path), pytest.raises(FileInUse):
        moderation.unban(MALLORY)
    put(path, path.read_text() + "#" * ((1 << 20) - 150) + "\n")
    with pytest.raises(StoreError, match="more than"):
        moderation.claim("x" * 30, ALICE)
    assert moderation.is_banned(MALLORY)
    assert moderation.name_of(ALICE) is None


def test_one_of_many_at_once_gets_a_name(path: Path) -> None:
    one, other = Moderation(path), Moderation(path)

    def claim(number: int) -> bool:
        try:
            (one if number % 2 else other).claim("alice", key(number))
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = [number for number, got in enumerate(pool.map(claim, range(40))) if got]
    one.load()
    assert [key(number) for number in won] == [one.holder("alice")]
    assert path.read_text() == f"name {key(won[0])} alice\n"


def test_it_has_a_place_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    Moderation(user_file("rooms")).op(ALICE)
    assert (tmp_path / "rooms").read_text() == f"op {ALICE}\n"


NAMES = ["alice", "Alice", "a1ice", "AIice", "\u0430lice", "bob", "b0b", "Bob B.", "carol", "caroI", "server", "a:b"]


class AnyLife(RuleBasedStateMachine):
    """Whatever happens, no two keys hold names that look alike."""

    def __init__(self) -> None:
        super().__init__()
        self.moderation = Moderation()

    @rule(name=st.sampled_from(NAMES), number=st.integers(0, 4))
    def claim(self, name: str, number: int) -> None:
        try:
            self.moderation.claim(name, key(number))
        except NameTaken:
            assert self.moderation.holder(name, besides=key(number)) is not None
        except BadName:
            assert name in ("server", "a:b")
        else:
            assert self.moderation.holder(name) == key(number)
            assert self.moderation.name_of(key(number)) == name

    @rule(number=st.integers(0, 4))
    def release(self, number: int) -> None:
        had = self.moderation.name_of(key(number))
        assert self.moderation.release(key(number)) is (had is not None)
        assert had is None or self.moderation.holder(had) is None

    @invariant()
    def nobody_is_like_another(self) -> None:
        held = [name for number in range(5) if (name := self.moderation.name_of(key(number)))]
        assert not any(alike(one, other) for at, one in enumerate(held) for other in held[:at])


AnyLife.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
test_any_life = AnyLife.TestCase


# -- names that are not used ----------------------------------------------------------------------------------------------


def test_a_name_that_is_not_used_expires_and_one_that_is_used_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moderation = Moderation(tmp_path / "rooms")
    moderation.claim("alice", key(1))
    moderation.claim("bob", key(2))
    moderation.note(key(1))
    day = registers.today()
    monkeypatch.setattr(registers, "today", lambda: day + registers.UNUSED)
    assert moderation.is_to_be_noted(key(2))
    moderation.note(key(2))
    assert not moderation.is_to_be_noted(key(2))
    assert moderation.holder("alice") == key(1)
    monkeypatch.setattr(registers, "today", lambda: day + registers.UNUSED + timedelta(days=1))
    assert moderation.holder("alice") is None
    assert moderation.holder("bob") == key(2)
    assert moderation.name_of(key(1)) == "alice"  # until another key takes it
    moderation.claim("alice", key(3))
    again = Moderation(tmp_path / "rooms")
    assert again.name_of(key(1)) is None
    assert (again.holder("alice"), again.holder("bob")) == (key(3), key(2))


def test_names_that_were_kept_before_more_was_taken_for_alike_stay_good(tmp_path: Path) -> None:
    path = tmp_path / "rooms"
    path.write_text(f"name {key(1)} clara\nname {key(2)} dara\nname {key(3)} ali ce\nname {key(4)} mod\n")
    path.chmod(0o600)
    moderation = Moderation(path)
    assert [moderation.name_of(key(number)) for number in (1, 2, 3, 4)] == ["clara", "dara", "ali ce", "mod"]
