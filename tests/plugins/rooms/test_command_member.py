"""One that types commands: what has this much, and no connection, gives them like any other member."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crowd import Crowd

from plytalk.core.contracts.errors import ChatError
from plytalk.plugins.rooms.command_member import CommandMember
from plytalk.plugins.rooms.hub import Hub
from plytalk.testing.verdict import idle


class Clerk(CommandMember):
    """It keeps what it is answered."""

    __slots__ = ("answers", "settled")

    def __init__(self, hub: Hub) -> None:
        self.id, self.key, self.marks, self.room = -2, None, 0, hub.first
        self.taken = self.running = self.settled = 0
        self.muted, self.hears_events, self.away, self.came = False, False, None, time.time()
        self.correspondent, self.person = None, self
        self.answers: list[tuple[int, str | None, object]] = []
        self.called("clerk")

    def types(self, hub: Hub, line: str) -> None:
        self.taken += 1
        hub.handle_line(self, line)

    def succeed(self, line: int, command: str, data: Any, lines: Sequence[str]) -> None:
        self.answers.append((line, command, data))

    def fail(self, line: int, command: str | None, error: ChatError) -> None:
        self.answers.append((line, command, type(error).__name__))

    def settle(self) -> None:
        self.settled += 1


async def test_it_is_answered_by_the_number_of_its_line_and_is_not_an_operator(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, clerk = await crowd.joins("alice"), Clerk(crowd.hub)
        for line in ("/topic", "/kick alice", "/nosuch", "/topic tea", "hello", "//slash"):
            clerk.types(crowd.hub, line)
        clerk.muted = True
        for line in ("hello?", "/me waves"):
            clerk.types(crowd.hub, line)
        await alice.until(lambda: "clerk: /slash" in alice.texts)
        assert clerk.answers == [
            (1, "topic", {"topic": None}), (2, "kick", "ForOperators"), (3, "nosuch", "UnknownCommand"),
            (4, "topic", {"topic": "tea"}),
            (7, None, "Muted"), (8, "me", "Muted"),
        ]  # fmt: skip
        assert [text for text in alice.texts if "clerk" in text] == [
            "* [clerk] set the topic: tea", "clerk: hello", "clerk: /slash",
        ]  # fmt: skip
        assert not alice.session.ending


async def test_a_command_that_takes_a_while_is_counted_until_it_has_finished(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.joins("alice")
        clerk = Clerk(crowd.hub)
        clerk.types(crowd.hub, "/keep")  # it waits for a turn of the event loop
        clerk.types(crowd.hub, "/topic")
        assert (clerk.running, clerk.settled, clerk.answers) == (1, 0, [(2, "topic", {"topic": None})])
        await idle()
        assert (clerk.running, clerk.settled, clerk.answers[1:]) == (0, 1, [(1, "keep", "Usage")])


async def test_what_it_does_not_answer_itself_is_told_nobody(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, clerk = await crowd.joins("alice"), Clerk(crowd.hub)
        before = len(alice.told), len(crowd.ui.notices)
        clerk.types(crowd.hub, "/name scribe")  # it is told its name later, by `introduce`
        await alice.until(lambda: "* [clerk] is now [scribe]." in alice.texts)
        assert (len(alice.told), len(crowd.ui.notices)) == before
        assert crowd.hub.names.find("scribe") is clerk
        assert clerk.name == "scribe"
