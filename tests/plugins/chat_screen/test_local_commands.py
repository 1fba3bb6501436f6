"""Commands that never reach the server."""

from happening import happened

from plytalk.core.contracts.events import WAY_IN, Joined, Left, Notice, Renamed, Sender, You
from plytalk.plugins.chat_screen.company import Company
from plytalk.plugins.chat_screen.local_commands import HELP, LocalCommands


class Owner:
    """Notes what it is asked to do."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.company = Company()
        self.company.note(happened(You, sender=Sender(name="me"), room="lobby", others=(Sender(name="Bob", key="SHA256:bob"),)))
        self.ways_in: list[Notice] = []
        self.commands = LocalCommands(self, self.company, self.done.append, self.ways_in)

    def clear(self) -> None:
        self.done.append("clear")

    def leave(self, why: str) -> None:
        self.done.append(f"leave {why}".strip())

    def print_whole(self, line: str) -> None:
        self.done.append(f"whole: {line}")

    def run(self, line: str) -> bool:
        self.done.clear()
        return self.commands.run(line)


def test_quit_and_clear() -> None:
    owner = Owner()
    for line, done in (
        (" /quit ", "leave"),
        ("/clear", "clear"),
        ("/QUIT", "leave"),
        ("/quit  gone to lunch", "leave gone to lunch"),
        ("/Clear", "clear"),
    ):
        assert owner.run(line)
        assert owner.done == [done]


def test_everything_else_goes_to_the_server() -> None:
    owner = Owner()
    for line in ("hello", "/who", "//quit", "/quitter", "say /quit"):
        assert not owner.run(line)
        assert owner.done == []


def test_help_adds_what_is_local() -> None:
    owner = Owner()
    assert not owner.run("/help"), "the server has more to say"
    assert owner.done == list(HELP.values())
    for line in ("/help ignore", "/Help /Ignore"):
        assert owner.run(line)
        assert owner.done == [HELP["ignore"]]
    assert not owner.run("/help kick")
    assert owner.done == []


def test_a_member_is_ignored_by_key_and_heard_again() -> None:
    owner = Owner()
    assert owner.run("/ignore bob")
    assert owner.commands.ignored == {"SHA256:bob": "bob"}
    owner.run("/ignore")
    assert owner.done == ["You ignore bob."]
    owner.company.note(happened(Left, "Bob"))
    owner.run('/ignore "bob"')
    assert owner.done == ["bob is no longer ignored."]
    owner.run("/ignore bob")
    assert owner.done == ["No member here has the name bob. /who lists the members."]
    owner.run("/ignore")
    assert owner.done == ["You ignore nobody."]


def test_nobody_ignores_themselves() -> None:
    owner = Owner()
    owner.run("/ignore ME")
    assert owner.done == ["That is you: what you say is always shown."]
    assert owner.commands.ignored == {}


def test_a_guest_who_is_ignored_stays_so_under_another_name() -> None:
    owner = Owner()
    visitor = Sender(name="visitor")
    owner.company.note(happened(Joined, sender=visitor))
    owner.run("/ignore visitor")
    for event in (happened(Renamed, sender=visitor, name="guest"), happened(Renamed, "carol", name="visitor")):
        owner.commands.note(event)
    assert owner.commands.ignored == {"guest": "visitor"}


def test_a_server_s_user_can_ask_how_others_come_in_and_a_client_s_asks_the_server() -> None:
    owner = Owner()
    assert not owner.run("/invite")
    assert "invite" not in owner.commands.help
    for line, transport in (("chat connect 127.0.0.1:7591", "tcp"), ("ssh -p 2222 127.0.0.1", "ssh")):
        owner.ways_in.append(happened(Notice, text="x", code=WAY_IN, data={"line": line, "transport": transport}))
    assert owner.run("/invite")
    assert owner.done == ["whole: tcp  chat connect 127.0.0.1:7591", "whole: ssh  ssh -p 2222 127.0.0.1"]
    assert owner.run("/help invite")
    assert owner.done == [owner.commands.help["invite"]]
