"""Names of members and of rooms: PRECIS nicknames (RFC 8266) that do not look like each other (UTS 39).

`enforce` checks a name and returns its written form; every name passes through it first. `new_name` is stricter: it checks a name
that a member wants to take. Two names are the same if their `comparable` forms are equal, and too similar for two members if
`alike` says so. `comparable` and `looks` take the result of `enforce`.

Names in ASCII need no package; names in other scripts need `precis-i18n`, the extra `rooms`.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import clean, shorten

MAX_NAME = 32
"""The longest name, in characters."""

MAX_NAME_BYTES = 64
"""The longest name, in bytes of UTF-8."""

_ROOM = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_PLAIN = re.compile(r"[A-Za-z0-9 ._'-]*")
_SPACES = re.compile(r"[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")  # RFC 8266 section 2.1: whatever is in Zs
_ARROWS = "\u2190-\u21ff\u2794-\u27be\u27f0-\u27ff\u2900-\u297f\u2b00-\u2b11"
_SEALS = "\u2611\u2705\u2713-\u2718\u274c\u274e\u2754-\u2757\U0001f50f-\U0001f513\U0001f6e1\U0001f5f8\U0001f511\U0001f5dd"
_BLANKS = "\u2800\U0001d159"  # symbols without ink
_SIGNS = re.compile(f"[{_ARROWS}{_SEALS}{_BLANKS}]")
_FILLING = re.compile("[ ._'-]+")
_RESERVED = """
    admin administrator everyone guest here me moderator nobody notauthenticated notencrypted operator plytalk room root server
    system unknown you
"""
_ROLES = """
    admin admins administrator administrators bot bots chanserv chatserver console daemon helper host hosts mod mods moderator
    moderators nickserv op oper opers operator operators ops owner owners plytalk root security server servers service services
    staff sudo superuser support sysadmin sysadmins sysop sysops system webmaster
"""
_NOUNS = """
    all anybody anyone everybody everyone guest here me myself no-one nobody notice notices null room rooms self someone you
"""
_LEET = str.maketrans("3467", "eabt")
_DIGITS = str.maketrans("01258", "olzsb")  # each looks like one letter, and each like another one
_PARTS = re.compile("[._'\u2019-]+")
_NUMBER = re.compile(r"[._'-]*[0-9]+\Z")
_MADE_UP = re.compile(r"(-[1-9][0-9]*)+\Z")
_PALOCHKA = "\u04cf"  # UTS 39 takes it for an i; in most fonts it is an l


class BadName(Usage):
    """That cannot be a name."""

    hint = f"Choose letters, digits and . _ - ', at most {MAX_NAME}."


def enforce(text: str) -> str:
    """Return a name in its written form: RFC 8266 section 2.3, case preserved, with further restrictions for display.

    A name has no punctuation but . _ - ' and no sign that looks like other punctuation, like an arrow or like a seal; it does
    not begin with a combining mark, has right-to-left letters only as RFC 5893 section 2 allows, and is not reserved.
    Raises BadName, whose sentence may go to a peer, and Usage if the name needs the extra `rooms`.
    """
    if len(text) > 4 * MAX_NAME:  # before any work is done on it
        raise _too_long()
    name = _SPACES.sub(" ", text).strip(" ")
    if not name.isascii():
        name = _nickname(name)
    if len(name) > MAX_NAME or len(name.encode()) > MAX_NAME_BYTES:
        raise _too_long()
    if not _PLAIN.fullmatch(name):
        for character in name:
            if _forbidden(character):
                raise _not_in_a_name(character)
    if clean(name) != name or unicodedata.category(name[:1] or " ")[0] == "M":
        raise BadName("That name would not look the same on every screen.")
    if not any(unicodedata.category(each)[0] in "LNS" for each in name):
        raise BadName("A name needs a letter or a digit.")
    if not {_FILLING.sub("", look) for look in looks(name)}.isdisjoint(_reserved()):
        raise BadName(f"{name!r} is not a name for a member.", "Choose another one.")
    return name


def new_name(text: str) -> str:
    """Return a name that a member may take, in its written form. It is one word, so a screen shows where it begins and ends.

    It has no spaces, begins and ends with a letter or a digit, and is not a word for a role, nor one that looks like it.
    Raises what `enforce` raises.
    """
    name = enforce(text)
    check_new(name)
    return name


def check_new(name: str) -> None:
    """Check whether a result of `enforce` may be a new name. Raises BadName."""
    if " " in name:
        raise BadName("A name cannot have spaces in it.", "Write it as one word, such as alice-b.")
    first, last = unicodedata.category(name[0])[0], unicodedata.category(name[-1])[0]
    if first not in "LNS" or last not in "LNSM":
        raise BadName("A name begins and ends with a letter or a digit.", "Choose another one.")
    if _is_reserved(name):
        raise BadName(f"{name!r} is reserved, or looks like a name that is.", "Choose another one.")


def numbered(name: str, numbers: Iterable[int]) -> Iterator[str]:
    """Yield replacements for a taken name: NAME-2, NAME-3 and so on, even if NAME ends with such a number."""
    base = _MADE_UP.sub("", name) or name
    return (f"{base}-{number}" for number in numbers)


def _is_reserved(name: str) -> bool:
    for text in {name, name.translate(_LEET)}:
        whole = {text, _NUMBER.sub("", text)} - {""}
        if not _roles_and_words().isdisjoint(look for one in whole for look in _bare(one)):
            return True
        if any(part and not _roles().isdisjoint(_bare(part)) for part in _PARTS.split(text)):
            return True
    return False


@functools.lru_cache(64)
def _bare(text: str) -> frozenset[str]:
    return frozenset({_FILLING.sub("", look).replace("l", "i") for look in looks(text)})


@functools.cache
def _roles() -> frozenset[str]:
    return frozenset(look for word in _ROLES.split() for look in _bare(word))


@functools.cache
def _roles_and_words() -> frozenset[str]:
    return _roles() | {look for word in _NOUNS.split() for look in _bare(word)}


def comparable(text: str) -> str:
    """Return the form that is equal for names that are the same: RFC 8266 section 2.4, repeated until nothing changes."""
    while (mapped := unicodedata.normalize("NFKC", _SPACES.sub(" ", text).strip(" ").lower())) != text:
        text = mapped
    return text


def skeleton(text: str) -> str:
    """Return the skeleton of a text's NFKC form (UTS 39, section 4). It is only for comparison, and case-sensitive."""
    table = _confusables(text.isascii())
    if not text.isascii():
        text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text))
    shape = text.translate(table)
    return shape if shape.isascii() else unicodedata.normalize("NFD", shape)


@functools.lru_cache(64)
def looks(name: str) -> frozenset[str]:
    """Return the ways in which a name may be misread. Two names are alike if they have one of these in common.

    Beyond UTS 39: `cl` looks like d, `rn` like m, `vv` like w, some digits like letters, and dots and apostrophes are overlooked.
    """
    return frozenset(_glance(shape) for shape in shapes(name))


def _glance(shape: str) -> str:
    folded = shape.translate(_DIGITS).replace("rn", "m").replace("cl", "d").replace("vv", "w")
    return folded.replace(".", "").replace("'", "") or shape


@functools.lru_cache(64)
def shapes(name: str) -> frozenset[str]:
    """Return the skeletons of a name.

    UTS 39 is case-sensitive and RFC 8266 is not, so both the written form and the comparable form are used: "PaypaI"
    with a capital i is like "paypal" by the first, "VIAGRA" in Cyrillic is like "viagra" by the second.
    """
    return frozenset({_look(name), _look(comparable(name))})


def alike(one: str, other: str) -> bool:
    """Whether two names are the same, or look the same."""
    return not looks(one).isdisjoint(looks(other))


def room_name(text: str) -> str:
    """Return the name of a room in its written form: `lobby` for `#Lobby`. Raises BadName."""
    name = text.removeprefix("#").lower() if text.isascii() else ""
    if not _ROOM.fullmatch(name):
        raise BadName(
            f"{shorten(text)!r} cannot be the name of a room.",
            f"Use up to {MAX_NAME} of a-z, 0-9, dot, dash and underscore, a letter or digit first.",
        )
    return name


def _too_long() -> BadName:
    return BadName(f"A name has at most {MAX_NAME} characters and {MAX_NAME_BYTES} bytes.", "Choose a shorter one.")


def _not_in_a_name(character: str) -> BadName:
    shown = f"{character!r}" if " " < character <= "~" else f"U+{ord(character):04X}"
    return BadName(f"A name cannot have {shown} in it.")


def _nickname(text: str) -> str:
    """Return the PRECIS nickname of a text that is not empty."""
    try:
        from precis_i18n import bidi, get_profile, unicode
    except ImportError:
        raise Usage(
            "A name with letters other than A to Z is not accepted here.",
            "Choose another one. Such names need `pip install precis-i18n` at the server.",
        ) from None
    try:
        name: str = get_profile("NicknameCasePreserved").enforce(text)
    except UnicodeEncodeError as refusal:
        raise _not_in_a_name(refusal.object[refusal.start]) from None
    data = unicode.UnicodeData()
    ordered = name.replace(" ", "_")  # a label of RFC 5893 has no space: another neutral character replaces it
    if bidi.has_rtl(name, data) and not bidi.bidi_rule(ordered, data):
        raise BadName("That name would be read in another order than it is written.", "Do not mix directions in a name.")
    return name


def _forbidden(character: str) -> bool:
    """Whether a character could be mistaken for something that the screen says: a colon, a bracket, a seal."""
    if character.isascii():
        return not _PLAIN.fullmatch(character)
    category = unicodedata.category(character)
    if category in ("Ps", "Pe", "Pi") or _SIGNS.match(character):
        return True
    shape = skeleton(character) if category[0] in "PS" or category == "Lm" else ""
    return any(each.isascii() and not _PLAIN.fullmatch(each) for each in shape)


def _look(text: str) -> str:
    return text.translate(_ascii_looks) if text.isascii() else _look_closely(text)


class _Looks(dict[int, str]):
    """The look of each character of ASCII, where the look of a text is that of its characters: found when it is needed, since
    signs that no name has look like characters that only the large table knows."""

    def __missing__(self, code: int) -> str:
        look = self[code] = _look_closely(chr(code))
        return look


_ascii_looks = _Looks()


def _look_closely(text: str) -> str:
    for _ in range(3):  # a capital may look like one whose small letter looks like another, and that like a third
        if (look := skeleton(text.replace(_PALOCHKA, "l")).casefold()) == text:
            break
        text = look
    return text


@functools.cache
def _reserved() -> frozenset[str]:
    return frozenset().union(*(looks(name) for name in _RESERVED.split()))


@functools.cache
def _confusables(ascii_alone: bool) -> dict[int, str]:
    """From a character to its shape; more than a megabyte, once a name needs more than those of ASCII."""
    table: dict[int, str] = {}
    for line in Path(__file__).with_name("confusables.txt").read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            shape, _, characters = line.partition(":")
            text = "".join(chr(int(each, 16)) for each in shape.split())
            codes = [int(each, 16) for each in characters.split()]
            table.update((code, text) for code in codes if code < 128 or not ascii_alone)
    return table
