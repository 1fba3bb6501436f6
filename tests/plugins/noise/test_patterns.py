"""The patterns are the specification's text, and keep the specification's rules."""

from itertools import combinations

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.noise.patterns import DEFERRED, FUNDAMENTAL, ONE_WAY, PATTERNS, Pattern, named, parse

EVERY_PSK = [
    f"{name}{'+'.join(places)}"
    for name, pattern in zip(PATTERNS, map(named, PATTERNS), strict=True)
    for count in (1, 2, 3)
    for places in combinations([f"psk{place}" for place in range(len(pattern.messages) + 1)], count)
]
EVERY_HFS = [f"{name}hfs" for name in PATTERNS if len(name) > 1]
EVERY_FALLBACK = ["XXfallback", "NNfallback", "NXfallback", "INfallback", "IXfallback", "X1X1fallback", "KNfallback"]


def test_there_are_as_many_as_in_the_specification() -> None:
    assert [len(table.strip().splitlines()) for table in (ONE_WAY, FUNDAMENTAL, DEFERRED)] == [3, 12, 23]
    assert len(PATTERNS) == 38


def test_xx_is_its_text() -> None:
    text = "XX:\n  -> e\n  <- e, ee, s, es\n  -> s, se"
    assert str(named("XX")) == text
    assert parse(text) == named("XX") == Pattern("XX", (), (), (("e",), ("e", "ee", "s", "es"), ("s", "se")))


def test_kk_shows_what_is_known_beforehand() -> None:
    assert str(named("KK")) == "KK:\n  -> s\n  <- s\n  ...\n  -> e, es, ss\n  <- e, ee, se"


@pytest.mark.parametrize("name", [*PATTERNS, *EVERY_PSK, *EVERY_HFS, *EVERY_FALLBACK])
def test_every_pattern_reads_back_and_is_valid(name: str) -> None:
    pattern = named(name)
    assert parse(str(pattern)) == pattern
    check_validity(pattern)


def check_validity(pattern: Pattern) -> None:
    """The rules of sections 7.1, 7.3 and 9.3, and those of the KEM, for both sides."""
    own: dict[bool, set[str]] = {True: set(pattern.initiator_pre), False: set(pattern.responder_pre)}
    done: list[str] = []
    for index, message in enumerate(pattern.messages):
        sender = index % 2 == 0
        for token in message:
            if token in ("e", "s", "e1"):
                assert token not in own[sender], "7.3.2: a key is sent once"
                own[sender].add(token)
            elif token == "ekem1":
                assert "e1" in own[not sender], "a ciphertext answers the other side's KEM key"
            elif token != "psk":
                assert token not in done, "7.3.3: a DH happens once"
                assert token[0] in own[True], "7.3.1: the initiator's key is there"
                assert token[1] in own[False], "7.3.1: the responder's key is there"
            done.append(token)
            if token == "ekem1":  # hfs puts it before `se` in KK and IK, against 7.3.4: `ee` has made the key fresh
                assert done[-2:] == ["ee", "ekem1"]
            elif token in ("s", "e1"):
                check_may_encrypt(done, own, sender)
        check_may_encrypt(done, own, sender)
    assert done.count("e1") == done.count("ekem1")


def check_may_encrypt(done: list[str], own: dict[bool, set[str]], sender: bool) -> None:
    pairs = {"se": "ee", "ss": "es"} if sender else {"es": "ee", "ss": "se"}
    assert all(ephemeral in done for static, ephemeral in pairs.items() if static in done), "7.3.4"
    assert "psk" not in done or "e" in own[sender], "9.3: after a PSK, no encryption without an ephemeral key"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("NNpsk0", "-> psk, e <- e, ee"),
        ("NNpsk0+psk2", "-> psk, e <- e, ee, psk"),
        ("NKpsk2", "<- s ... -> e, es <- e, ee, psk"),
        ("XXpsk3", "-> e <- e, ee, s, es -> s, se, psk"),
        ("XXpsk0+psk1", "-> psk, e, psk <- e, ee, s, es -> s, se"),
        ("XXhfs", "-> e, e1 <- e, ee, ekem1, s, es -> s, se"),
        ("XXhfs+psk3", "-> e, e1 <- e, ee, ekem1, s, es -> s, se, psk"),
        ("NKhfs", "<- s ... -> e, es, e1 <- e, ee, ekem1"),
        ("IKhfs", "<- s ... -> e, es, e1, s, ss <- e, ee, ekem1, se"),
        ("IXhfs", "-> e, e1, s <- e, ee, ekem1, se, s, es"),
        ("KKhfs", "-> s <- s ... -> e, es, e1, ss <- e, ee, ekem1, se"),
        ("XXfallback", "<- e ... -> e, ee, s, se <- s, es"),
        ("XXfallback+psk0", "<- e ... -> psk, e, ee, s, se <- s, es"),
    ],
)
def test_modifiers(name: str, text: str) -> None:
    assert named(name) == parse(f"{name}: {text}")


def test_what_each_side_must_bring() -> None:
    assert named("XX").needs(initiator=True) == named("XX").needs(initiator=False) == {"s"}
    assert named("NK").needs(initiator=True) == {"rs"}
    assert named("NK").needs(initiator=False) == {"s"}
    assert named("KK").needs(initiator=True) == {"s", "rs"}
    assert named("NN").needs(initiator=True) == set()
    assert named("XXfallback").needs(initiator=True) == {"s", "re"}
    assert named("XXfallback").needs(initiator=False) == {"s", "e"}


def test_what_a_pattern_says_of_itself() -> None:
    assert (named("X").one_way, named("XX").one_way) == (True, False)
    assert (named("XXpsk0+psk3").psks, named("XX").psks) == (2, 0)
    assert (named("XXhfs").kem, named("XX").kem) == (True, False)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ZZ", "no handshake pattern"),
        ("", "no handshake pattern"),
        ("xx", "no handshake pattern"),
        ("XX+psk0", "no handshake pattern"),
        ("XXpsk0+", "no handshake pattern"),
        ("XX psk0", "no handshake pattern"),
        ("XXpsk4", "does not fit"),
        ("NNpsk3", "does not fit"),
        ("XXpsk2+psk0", "alphabetical order"),
        ("XXpsk0+psk0", "alphabetical order"),
        ("XXpsk3+hfs", "alphabetical order"),
        ("XXpsk", "no pattern modifier 'psk'"),
        ("XXpsk10", "no pattern modifier 'psk10'"),
        ("XXsecret", "no pattern modifier 'secret'"),
        ("NKfallback", "cannot be a pre-message"),
        ("Nfallback", "cannot be a pre-message"),
        ("Nhfs", "no `ee` answers"),
        ("XXfallback+hfs", "no `ee` answers"),
    ],
)
def test_names_that_are_refused(name: str, why: str) -> None:
    with pytest.raises(Usage, match=why):
        named(name)


@pytest.mark.parametrize(
    "text",
    ["-> e", "XX", "XX:", "XX: -> e -> s", "XX: <- e", "XX: -> e, q", "XX: -> ee ... -> e", "XX: -> s ... -> e ... <- e"],
)
def test_texts_that_are_no_pattern(text: str) -> None:
    with pytest.raises(Usage, match="not a handshake pattern"):
        parse(text)
