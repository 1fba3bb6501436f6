"""What a layer can need or give, in the words of `chat explain`."""

import pytest

from plytalk.core.contracts.kinds import KINDS
from plytalk.core.contracts.properties import MEANINGS, PROTECTIONS, Profile, Property


@pytest.mark.parametrize("prop", Property)
def test_a_property_means_something_to_the_people_who_talk(prop: Property) -> None:
    meaning = MEANINGS[prop]
    for words in (meaning.have, meaning.lack):
        assert words[0].islower()
        assert words.isprintable()
        assert not words.endswith(".")
    assert meaning.have != meaning.lack
    assert set(meaning.change) <= set(KINDS)


def test_every_protection_can_be_changed_by_some_layer_and_is_listed_once() -> None:
    assert len(set(PROTECTIONS)) == len(PROTECTIONS)
    for prop in PROTECTIONS:
        assert MEANINGS[prop].change
    assert PROTECTIONS[:3] == (Property.SECRECY, Property.INTEGRITY, Property.PEER_IDENTITY)


def test_a_property_reads_as_words() -> None:
    assert f"{Property.PEER_IDENTITY}" == "peer identity"


def test_a_profile_is_a_stack_with_a_port() -> None:
    profile = Profile("mine", "My own", 7000, {"cipher": "none"})
    assert (profile.port, profile.layers, profile.greeting) == (7000, {"cipher": "none"}, b"")
