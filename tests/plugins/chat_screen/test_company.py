"""The members present, as the events tell."""

from happening import happened

from plytalk.core.contracts.events import Joined, Left, Message, Renamed, Result, Sender, You
from plytalk.plugins.chat_screen.company import MOST, Company


def company() -> Company:
    made = Company()
    others = Sender(name="alice", key="SHA256:alice"), Sender(name="carol")
    made.note(happened(You, sender=Sender(name="bob", key="SHA256:bob"), room="lobby", present=3, others=others))
    return made


def test_those_present_are_known_with_their_keys() -> None:
    here = company()
    assert here.me == "bob"
    assert here.keys == {"alice": "SHA256:alice", "carol": None}
    assert here.rooms == ["lobby"]


def test_the_last_speaker_comes_first_and_those_who_left_are_gone() -> None:
    here = company()
    here.note(happened(Message, "carol", text="hello"))
    assert here.names == ["carol", "alice"]
    here.note(happened(Joined, "dave"))
    here.note(happened(Left, "alice"))
    assert here.names == ["dave", "carol"]
    here.note(happened(Message, "zoe", text="last week", replayed=True))
    assert here.names == ["dave", "carol"], "what was said before does not say who is here"


def test_another_name_is_the_same_member() -> None:
    here = company()
    here.note(happened(Renamed, "alice", name="alicia"))
    assert here.keys["alicia"] == "SHA256:alice"
    assert "alice" not in here.keys
    here.note(happened(Renamed, "bob", name="robert", own=True))
    assert here.me == "robert"
    assert here.names == ["alicia", "carol"]


def test_the_commands_of_plugins_are_known_from_help() -> None:
    here = company()
    listed = [{"name": "kick", "help": "Remove."}, {"name": "roll", "help": "Throw dice."}]
    here.note(happened(Result, command="help", data=listed))
    assert here.commands == ["kick", "roll"]
    here.note(happened(Result, command="help", data=listed[:1]))
    here.note(happened(Result, command="who", data=[{"name": "alice"}, {"name": "bob"}]))
    assert here.commands == ["kick", "roll"], "one command was asked for, or none"


def test_another_room_is_another_company() -> None:
    here = company()
    here.note(happened(You, sender=Sender(name="bob"), room="kitchen"))
    assert here.names == []
    assert here.rooms == ["lobby", "kitchen"]


def test_a_server_that_names_any_number_of_members_and_rooms_takes_a_limited_part_of_our_memory() -> None:
    here = company()
    for number in range(MOST + 10):
        others = tuple(Sender(name=f"m{number}-{other}") for other in range(3))
        here.note(happened(You, sender=Sender(name="bob"), room=f"room{number}", others=others))
    assert len(here.rooms) == MOST
    assert here.rooms[-1] == f"room{MOST + 9}"
    for number in range(MOST + 10):
        here.note(happened(Joined, f"newcomer{number}"))
    assert len(here.keys) == MOST
    assert here.names[0] == f"newcomer{MOST + 9}"
    here.note(happened(You, sender=Sender(name="bob"), room="lobby", others=tuple(Sender(name=f"m{n}") for n in range(2 * MOST))))
    assert len(here.keys) == MOST
