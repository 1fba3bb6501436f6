"""The members present, as the events tell."""

from happening import happened

from plytalk.core.contracts.events import Joined, Left, Message, Renamed, Result, Sender, You
from plytalk.plugins.chat_screen.company import Company


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
