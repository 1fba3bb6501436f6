"""Payload security properties: what is worked out from each pattern, compared with the specification's tables."""

import pytest

from plytalk.plugins.noise.patterns import PATTERNS, named
from plytalk.plugins.noise.security import keeps_forward_secrecy, payloads, proves_presence

# Noise, revision 34, sections 7.4, 7.7 and 18.2: source and destination for each message, the transport's in the last places.
TABLE = """
    N     02          K     12          X     12
    NN    00 01 01          NK    02 21 05          NX    00 21 05
    XN    00 01 21 05       XK    02 21 25 25       XX    00 21 25 25
    KN    00 03 21 05       KK    12 24 25 25       KX    00 23 25 25
    IN    00 03 21 05       IK    12 24 25 25       IX    00 23 25 25
    NK1   00 21 05          NX1   00 01 03 21 05
    X1N   00 01 01 03 21 05 X1K   02 21 05 23 25 25 XK1   00 21 25 25
    X1K1  00 21 05 23 25 25 X1X   00 21 05 23 25 25 XX1   00 01 23 25 25
    X1X1  00 01 03 23 25 25 K1N   00 01 21 05       K1K   02 21 25 25
    KK1   00 23 25 25       K1K1  00 21 25 25       K1X   00 21 25 25
    KX1   00 03 23 25 25    K1X1  00 01 23 25 25
    I1N   00 01 21 05       I1K   02 21 25 25       IK1   00 23 25 25
    I1K1  00 21 25 25       I1X   00 21 25 25       IX1   00 03 23 25 25
    I1X1  00 01 23 25 25
"""


def table() -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for word in TABLE.split():
        if word in PATTERNS:
            rows[word] = row = []
        else:
            row.append(word)
    return rows


def test_the_table_has_every_pattern() -> None:
    assert table().keys() == PATTERNS.keys()


@pytest.mark.parametrize("name", PATTERNS)
def test_it_is_as_the_specification_says(name: str) -> None:
    found = [f"{one.source}{one.destination}" for one in payloads(named(name))]
    expected = table()[name]
    assert found[: len(expected)] == expected
    # What the specification leaves out is the same for every later message of that side.
    assert all(after == found[place - 2] for place, after in enumerate(found) if place >= len(expected))


@pytest.mark.parametrize("name", PATTERNS)
def test_modifiers_take_nothing_away_and_add_from_where_they_stand(name: str) -> None:
    plain, keyed = payloads(named(name)), payloads(named(f"{name}psk0"))
    assert [one[:3] for one in plain] == [one[:3] for one in keyed]
    assert not any(one.psk or one.kem for one in plain)
    assert all(one.psk for one in keyed)
    last = len(named(name).messages)
    late = payloads(named(f"{name}psk{last}"))
    assert [one.psk for one in late] == [place >= last - 1 for place in range(len(late))]
    if not named(name).one_way:
        hybrid = payloads(named(f"{name}hfs"))
        assert [one[:3] for one in hybrid] == [one[:3] for one in plain]
        assert [one.kem for one in hybrid] == [one.destination in (1, 3, 4, 5) for one in hybrid]


PRESENT = {"XN", "XK", "XX", "XK1", "XX1", "K1N", "K1K", "KX1", "K1K1", "K1X", "K1X1", "I1N", "I1K", "I1K1", "I1X", "IX1", "I1X1"}
"""Patterns whose last word is the client's, with its static key and an ephemeral key of the server's in it."""


@pytest.mark.parametrize("name", PATTERNS)
def test_whether_a_client_has_proved_that_it_is_there(name: str) -> None:
    """NX1 has no key of the client's to prove: that somebody is there is all there is."""
    assert proves_presence(named(name)) == (name in PRESENT | {"NX1"})
    assert proves_presence(named(f"{name}psk0")) == proves_presence(named(name))


@pytest.mark.parametrize("name", PATTERNS)
def test_forward_secrecy_of_what_is_said(name: str) -> None:
    assert keeps_forward_secrecy(named(name)) == (not named(name).one_way)
