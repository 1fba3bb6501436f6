"""Names: RFC 8266 by its own examples, and two hundred names that look like another member's."""

import itertools
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.rooms.member_names import (
    MAX_NAME,
    MAX_NAME_BYTES,
    BadName,
    alike,
    comparable,
    enforce,
    looks,
    new_name,
    room_name,
    skeleton,
)

precis = pytest.importorskip("precis_i18n", reason="needs precis-i18n: pip install precis-i18n")

texts = st.text(st.characters(categories=["L", "M", "N", "P", "S", "Z", "C"]), max_size=12)
likely = st.text(st.characters(categories=["L", "N", "S", "Zs"]) | st.sampled_from("abIl01 ._-'"), min_size=1, max_size=10)


def taken(text: str) -> str | None:
    """The name, or None where it is refused."""
    try:
        return enforce(text)
    except BadName:
        return None


# -- RFC 8266 -------------------------------------------------------------------------------------------------------------

EXAMPLES = [  # section 3: as entered, as written, as compared
    ("Foo", "Foo", "foo"),
    ("foo", "foo", "foo"),
    ("Foo Bar", "Foo Bar", "foo bar"),
    ("foo bar", "foo bar", "foo bar"),
    ("\u03a3", "\u03a3", "\u03c3"),
    ("\u03c3", "\u03c3", "\u03c3"),
    ("\u03c2", "\u03c2", "\u03c2"),
    ("\u03d4", "\u03ab", "\u03cb"),
    ("\u221e", "\u221e", "\u221e"),
    ("Richard \u2163", "Richard IV", "richard iv"),
]


@pytest.mark.parametrize(("entered", "written", "compared"), EXAMPLES)
def test_the_examples_of_the_profile(entered: str, written: str, compared: str) -> None:
    assert enforce(entered) == written
    assert comparable(entered) == comparable(written) == compared


@pytest.mark.parametrize(
    ("entered", "written"),
    [
        ("  Swan  of   Avon   ", "Swan of Avon"),
        ("Swan\u00a0of\u3000Avon", "Swan of Avon"),
        ("\uff21lice", "Alice"),
        ("\U0001d4d0lice", "Alice"),
        ("E\u0301lise", "\u00c9lise"),
        ("\u30b8\u30e7\u30f3\u30fb\u30b9\u30df\u30b9", "\u30b8\u30e7\u30f3\u30fb\u30b9\u30df\u30b9"),
        ("\u05e9\u05dd \u05d8\u05d5\u05d1", "\u05e9\u05dd \u05d8\u05d5\u05d1"),
        ("O\u2019Brien", "O\u2019Brien"),
        ("a_b-c.d'e 1", "a_b-c.d'e 1"),
        ("x" * 32, "x" * 32),
        ("\u6f22" * (MAX_NAME_BYTES // 3), "\u6f22" * (MAX_NAME_BYTES // 3)),
    ],
)
def test_what_is_a_name(entered: str, written: str) -> None:
    assert enforce(entered) == written


@pytest.mark.parametrize(
    "entered",
    [
        *("", " ", "\u3000", "...", "- -"),
        *("x" * 33, "\u6f22" * (MAX_NAME_BYTES // 3 + 1), " " * 10_000 + "a", "\ufdfa" * 2),
        *("a\rb", "a\nb", "a\0b", "a\tb", "a\x1b[31m", "a\x7f", "a\x85", "a\u2028b", "a\u2029b"),
        *("a\u202eb", "\u2066a", "a\u200fb", "a\u061cb", "a\u200bb", "a\u200db", "\ufeffa", "a\u00adb", "a\u2060b", "a\ufe0f"),
        *("a\ue000", "a\u0378", "a\ud800", "a\ufffe", "a\U000e0041"),
        *("\u0301a", "a" + "\u0316" * 9, "\u00a8", "\u2800", "\u1160", "\u3164"),
        *("/help", "@alice", "#lobby", "\uff0fhelp", "\ufe6balice", "\uff03lobby", "a@b", "a/b"),
        *("[not encrypted]", "alice [ok]", "alice (guest)", "\uff3bok\uff3d", "\u3010ok\u3011", "<alice>", "\u27e8alice\u27e9"),
        *(
            "alice: yes",
            "alice\ua789 yes",
            "alice\u02d0 yes",
            "alice\uff1a yes",
            "* alice",
            "\u2217 alice",
            "alice \u2192 bob",
            "a->b",
        ),
        *("alice \u2713", "\u2705alice", "\U0001f512 alice", '"alice"', "alice, bob", "a|b", "a\\b", "a`b", "a;b", "a=b", "a&b"),
        *("1\u05d0", "a\u05d0", "\u05d0a", "\u0661\u0627"),
        *(
            "server",
            "Server",
            "S\u0435rver",
            "s.e.r.v.e.r",
            "\uff33erver",
            "You",
            "me",
            "Not Encrypted",
            "not-authenticated",
            "r00t",
        ),
    ],
)
def test_what_is_none(entered: str) -> None:
    with pytest.raises(BadName) as refusal:
        enforce(entered)
    said = refusal.value.sentence
    assert said == clean(said)
    assert "hoose" in said or "not mix" in said  # what to do


@pytest.mark.parametrize(("entered", "shown"), [("a!b", "'!'"), ("a~b", "'~'"), ("a\x7fb", "U+007F"), ("a\u2028b", "U+2028")])
def test_what_cannot_be_in_a_name_is_said(entered: str, shown: str) -> None:
    with pytest.raises(BadName) as refusal:
        enforce(entered)
    assert refusal.value.sentence.startswith(f"A name cannot have {shown} in it.")


@given(texts | likely)
def test_a_name_stays_as_it_is_and_harms_no_screen(text: str) -> None:
    """Attack A33 of the threat model: nothing in a name ends a line, hides or reorders."""
    name = taken(text)
    if name is not None:
        assert enforce(name) == name
        assert clean(name) == name
        assert len(name.splitlines()) == 1
        assert name.isprintable()
        assert len(name) <= MAX_NAME
        assert len(name.encode()) <= MAX_NAME_BYTES
        assert alike(name, name)
        assert alike(name, comparable(name))


@given(texts | likely)
def test_what_is_compared_stays_as_it_is(text: str) -> None:
    form = comparable(text)
    assert comparable(form) == form


@given(likely)
def test_we_compare_as_another_implementation_of_the_profile_does(text: str) -> None:
    try:
        other = precis.get_profile("NicknameCaseMapped:ToLower").enforce(text)
    except UnicodeEncodeError:
        assert taken(text) is None
    else:
        assert comparable(text) == other


# -- look-alikes ----------------------------------------------------------------------------------------------------------

LOOK_LIKE = {  # facts of UTS 39
    "a": ["\u0430", "\u0251", "\u03b1", "\uff41"],
    "c": ["\u0441", "\u217d", "\u1d04"],
    "d": ["\u0501", "\u217e", "\u146f"],
    "e": ["\u0435", "\u04bd", "\u212e"],
    "g": ["\u0261", "\u0581", "\u018d"],
    "h": ["\u04bb", "\u0570", "\u210e"],
    "i": ["\u0456", "\u0131", "\u03b9", "\u2170"],
    "j": ["\u0458", "\u03f3"],
    "l": ["\u04cf", "\u217c", "1", "I", "\u2113", "|"],
    "m": ["rn", "\u217f"],
    "n": ["\u0578", "\u057c"],
    "o": ["\u043e", "\u03bf", "\u0585", "0", "\u1d0f", "\u0966"],
    "p": ["\u0440", "\u03c1", "\u2374"],
    "r": ["\u0433", "\u1d26"],
    "s": ["\u0455", "\ua731", "\u01bd"],
    "u": ["\u03c5", "\u057d", "\u028b", "\u1d1c"],
    "v": ["\u03bd", "\u0475", "\u2174"],
    "w": ["\u051d", "\u0461", "\u0561"],
    "x": ["\u0445", "\u2179", "\u00d7"],
    "y": ["\u0443", "\u03b3", "\u028f"],
    "A": ["\u0410", "\u0391", "\u13aa"],
    "B": ["\u0412", "\u0392", "\ua4d0"],
    "E": ["\u0415", "\u0395"],
    "M": ["\u041c", "\u039c", "\ua4df"],
    "P": ["\u0420", "\u03a1"],
}
VICTIMS = ["alice", "paypal", "Bob", "Eve", "Mallory", "carol", "david", "George", "maxim", "Peter", "julius", "wendy", "Alexis"]
HIDDEN = ["\u200b", "\u200d", "\u2060", "\u202e", "\u00ad", "\ufeff", "\u034f"]
PAIRS = [
    (name, name[:at] + other + name[at + 1 :])
    for name in VICTIMS
    for at, letter in enumerate(name)
    for other in LOOK_LIKE.get(letter, [])
] + [(name, name[:1] + hidden + name[1:]) for name, hidden in itertools.product(VICTIMS, HIDDEN)]


def test_two_hundred_look_alikes_are_refused_or_known_as_such() -> None:
    """Attack A32 of the threat model."""
    assert len(set(PAIRS)) >= 200
    passed = [(one, other) for one, other in PAIRS if taken(other) is not None and not alike(enforce(one), enforce(other))]
    assert passed == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),
        ("paypal", "PaypaI"),
        ("viagra", "V\u0406\u0410GR\u0410"),
        ("mike", "\ua4dfike"),
        ("modern", "modem"),
        ("Alice", "alice"),
        ("Ian", "lan"),
        ("wendy", "\uab97endy"),  # by way of a capital and of an omega
    ],
)
def test_alike(one: str, other: str) -> None:
    assert alike(one, other)
    assert alike(other, one)


def test_people_with_ordinary_names_are_not_taken_for_one_another() -> None:
    """Where capitals and lowercase letters are looked at as one, Neil is Nell and Lia is Ila."""
    names = (
        "Ali All Alice Alicia Mia Mila Milla Nina Viva Neil Nell Bill Bell Lia Ila Eli Ella Elliot Eliot Jon John Joan Jan Jana "
        "Tim Tom Kim Kin Rob Bob Boo Ann Anna \u00c9lise Elise \u00c4nne Zo\u00eb Zoe \u0410\u043d\u043d\u0430 \u674e \u738b"
    )
    assert [pair for pair in itertools.combinations(map(enforce, names.split()), 2) if alike(*pair)] == []


def test_a_skeleton_is_of_the_form_that_a_name_has() -> None:
    assert skeleton("\u0440\u0430\u0443\u0440\u0430l") == skeleton("paypal") == skeleton("\uff50aypal") == "paypal"
    assert skeleton("m") == skeleton("rn") == "rn"
    assert skeleton("\u00e9") == "e\u0301"
    assert looks("PaypaI") == {"paypal", "paypai"}


def test_our_table_says_what_the_unicode_consortium_s_own_library_says() -> None:
    from icu import NoIcu, icu, table

    try:
        version, theirs = icu()
    except NoIcu:
        pytest.skip("install ICU: apt install libicu-dev")
    if version != "15.0.0":
        pytest.skip(f"the table is of Unicode 15.0.0, this ICU of {version}")
    assert {each: skeleton(each) for each in table(theirs)} == table(theirs)
    for one, other in PAIRS:
        for text in (one, unicodedata.normalize("NFKC", other)):
            if taken(text) is not None:
                assert skeleton(text) == theirs(text)


# -- without the extra ----------------------------------------------------------------------------------------------------


def test_without_the_package_only_ascii_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "precis_i18n", None)
    assert enforce(" Alice  B. ") == "Alice B."
    with pytest.raises(Usage) as refusal:
        enforce("\u00c9lise")
    assert "pip install precis-i18n" in refusal.value.sentence


def test_the_package_is_loaded_for_the_first_name_that_needs_it() -> None:
    program = """
import sys
from plytalk.plugins.rooms.member_names import enforce
enforce("Alice")
print("precis_i18n" in sys.modules)
enforce("\\u00c9lise")
print("precis_i18n" in sys.modules)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"]


def test_the_large_table_is_not_read_for_names_of_letters_and_digits() -> None:
    """It was read with the first name, for signs that no name has: half a megabyte in every server."""
    program = """
import string
from plytalk.plugins.rooms import member_names
for name in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "a-b_c.d' e"):
    member_names.looks(member_names.enforce(name))
print(member_names._confusables.cache_info().currsize)
member_names.looks("%")
print(member_names._confusables.cache_info().currsize)
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["1", "2"]


# -- rooms ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name"), [("lobby", "lobby"), ("#Lobby", "lobby"), ("a-b_c.1", "a-b_c.1"), ("x" * 32, "x" * 32)]
)
def test_what_is_a_room(text: str, name: str) -> None:
    assert room_name(text) == name
    assert room_name(name) == name


@pytest.mark.parametrize("text", ["", "#", "##a", ".a", "-a", "a b", "a/b", "x" * 33, "caf\u00e9", "\u212aeller", "a\n", "a\0"])
def test_what_is_no_room(text: str) -> None:
    with pytest.raises(BadName) as refusal:
        room_name(text)
    assert refusal.value.sentence == clean(refusal.value.sentence)


def test_the_name_of_a_room_that_is_too_long_is_repeated_whole() -> None:
    """Cut to as many characters as are allowed, it looked right."""
    with pytest.raises(BadName, match=f"'{'x' * 33}' cannot"):
        room_name("x" * 33)


# -- new names for members -----------------------------------------------------------------------------------------------


EVENTS = ["alice has left. bob", "oper set the topic", "alice is here. bob", "you to bob", "ali ce", "ali\u00a0ce", "alice bob"]
EDGES = ["alice.", "-alice", "alice-", ".alice", "'alice", "alice'", "_alice", "alice_", "alice\u2019"]
ROLES = """
    mod Mods MOD m0d rnod moderator m0derat0rs host Hosts h0st Operators 0perators op OPs admin Admins adm1n 4dmin AdmIn admln
    administrators server Servers s3rver server-2 5erver system sys-op root r00t plytalk everyone everybody all ALL here you me
    oper opers 0per ChanServ NickServ sudo superuser support security sysadmin service-1 console
    nobody notice n0tice not1ce guest room op-bob bob.mod the-admin admin1 mod_2 h\u043est \uff4dod
"""
FINE = ["alice", "Alice-B", "o'brien", "a.b", "bob2", "hostess", "modest", "opal", "allen", "\u30b8\u30e7\u30f3", "\u221e"]


@pytest.mark.parametrize("name", [*EVENTS, *EDGES, *ROLES.split()])
def test_what_looks_like_an_event_or_a_role_cannot_be_taken(name: str) -> None:
    with pytest.raises(BadName):
        new_name(name)


@pytest.mark.parametrize("name", FINE)
def test_what_can_be_taken(name: str) -> None:
    assert new_name(name) == name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("clara", "dara"), ("user5", "userS"), ("user5", "users"), ("user1", "userl"), ("user1", "userI"), ("user0", "userO")),
        *(("8ob", "Bob"), ("2oe", "Zoe"), ("rnary", "Mary"), ("vvill", "will"), ("al.ice", "alice"), ("obrien", "o'brien")),
        *(("CIara", "dara"), ("5am", "sam"), ("BOB", "b0b"), ("VVendy", "wendy")),
    ],
)
def test_what_is_alike_at_a_glance(one: str, other: str) -> None:
    assert alike(one, other)


def test_numbers_that_differ_are_not_alike() -> None:
    for one, other in itertools.combinations(range(30), 2):
        assert not alike(f"user-{one}", f"user-{other}")
