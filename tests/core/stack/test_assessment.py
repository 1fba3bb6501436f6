"""The property sheet of a stack."""

from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.properties import MEANINGS, PROTECTIONS, Property
from plytalk.core.stack.assessment import EXCEPT, Row, assess
from plytalk.core.stack.selection import warning_of
from plytalk.plugins.transports.memory import Memory
from plytalk.testing.parts import GivenKeys, Unsealed


class Sealed(Unsealed):
    """Hides and protects."""

    name = "sealed"
    gives = {Property.SECRECY, Property.INTEGRITY}
    caution = "Change the key each year."


class Covers(Memory):
    """Hides and protects on the way."""

    name = "covers"
    covers = frozenset({Property.SECRECY, Property.INTEGRITY})


def givers(prop: Property, kind: str) -> list[str]:
    return [f"better-{kind}"] if prop is Property.ORDER else []


def rows(*layers: type[Layer]) -> dict[Property, Row]:
    return {row.property: row for row in assess({layer.kind: [layer] for layer in layers}, givers).rows}


def test_every_protection_has_a_row_worst_first() -> None:
    assert [row.property for row in assess({}, givers).rows] == list(PROTECTIONS)
    assert assess({}, givers).lacks == assess({}, givers).rows


def test_what_is_given_says_by_which_layer() -> None:
    row = rows(Sealed, GivenKeys)[Property.DIRECTION_KEYS]
    assert row == Row(Property.DIRECTION_KEYS, True, MEANINGS[Property.DIRECTION_KEYS].have, ("handshake test-keys",))


def test_what_is_not_given_says_which_layer_could() -> None:
    row = rows(Sealed)[Property.ORDER]
    assert row == Row(Property.ORDER, False, MEANINGS[Property.ORDER].lack, ("--cipher better-cipher",))


def test_what_a_transport_covers_is_lacking_only_where_that_ends() -> None:
    row = rows(Covers)[Property.SECRECY]
    assert not row.given
    assert row.sentence == f"{MEANINGS[Property.SECRECY].lack}; the transport prevents this, except by {EXCEPT}"
    assert (
        warning_of({"transport": [Covers]}) == "A man in the middle can pose as the other side to each of you, and read and "
        "rewrite everything."
    )
    assert warning_of({"transport": [Covers, Memory]}) == "Anyone on the network path can read every word."


def test_secrecy_is_worth_less_while_nobody_knows_who_is_there() -> None:
    class Checked(GivenKeys):
        """Knows the peer."""

        gives = {Property.PEER_IDENTITY}

    assert rows(Sealed)[Property.SECRECY].sentence.endswith(", unless an attacker posed as the other side from the start")
    assert rows(Sealed, Checked)[Property.SECRECY].sentence == MEANINGS[Property.SECRECY].have


def test_cautions_of_single_layers_are_kept() -> None:
    made = assess({"cipher": [Sealed], "handshake": [GivenKeys]}, givers)
    assert made.cautions == ("cipher sealed: Change the key each year.",)
    assert [row.property for row in made.protects] == [Property.SECRECY, Property.INTEGRITY, Property.DIRECTION_KEYS]
