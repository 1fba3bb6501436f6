"""The commands that every room has."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from crowd import Crowd, Person

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import Refused, Usage
from plytalk.core.contracts.events import Message
from plytalk.core.contracts.items import CloseReason
from plytalk.core.contracts.peers import Peer, Role
from plytalk.plugins.authenticators.allow import Allow
from plytalk.plugins.files.file_words import AT_THE_SERVER
from plytalk.plugins.rooms.moderation import Moderation
from plytalk.plugins.rooms.room_commands import COMMANDS
from plytalk.plugins.rooms.room_events import Kind
from plytalk.plugins.rooms.ui_events import plain_line
from plytalk.testing.verdict import idle

# -- for everybody --------------------------------------------------------------------------------------------------------


async def test_help_lists_what_one_may(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        alice.say("/help")
        await alice.shows("/who ")
        crowd.local_member.say("/help")
        listed = [line.split()[0] for line in crowd.ui.notices if line.startswith("/")]
        assert listed == sorted(f"/{command.name}" for command in (*COMMANDS, *AT_THE_SERVER))
        assert [line.split()[0][1:] for line in alice.ui.notices if line.startswith("/")] == sorted(
            command.name for command in (*COMMANDS, *AT_THE_SERVER) if not command.operators
        )
        assert all(command.help.endswith((".", "bob")) for command in COMMANDS)


async def test_who_is_here_with_what_key(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.comes("alice")
        await crowd.comes("bob")
        alice.say("/who")
        await alice.shows("bob, ")
        for line in ("server, operator", f"alice, {crowd.key('alice').fingerprint}", f"bob, {crowd.key('bob').fingerprint}"):
            assert line in alice.ui.notices


async def test_the_others_see_why_one_leaves(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob, carol = [await crowd.comes(name) for name in ("alice", "bob", "carol")]
        bob.say("/quit gone\x1b[2J to lunch")
        assert await alice.shows("[bob] has left") == '* [bob] has left: "gone␛[2J to lunch".'
        assert (await bob.over()).code is CloseReason.SAID_EXIT
        crowd.local_member.say("/quit the server stays")
        assert await alice.shows("[server] has left") == '* [server] has left: "the server stays".'
        carol.say("/quit")
        assert await alice.shows("[carol] has left") == "* [carol] has left."


async def test_a_reason_that_is_too_long_is_not_shown_and_the_member_goes(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob", reconnect=True)
        bob.say("/quit " + "x" * 201)
        assert await alice.shows("[bob] has left") == "* [bob] has left."
        assert (await bob.over()).by is EndedBy.US, "it does not come back"


async def test_rooms_and_topics(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/topic")
        await alice.shows("There is no topic.")
        alice.say("/topic tea\x1b[2J at four", "/topic " + "x" * 201)
        assert await bob.shows("set the topic") == "* [alice] set the topic: tea␛[2J at four"
        await alice.shows("at most 200 characters")
        bob.say("/topic", "/join kitchen", "/rooms")
        await bob.shows("The topic is: tea␛[2J at four")
        await bob.shows("lobby: 2 here, topic: tea␛[2J at four")
        await bob.shows("kitchen: 1 here")
        carol = await crowd.comes("carol")
        await carol.shows("The topic is: tea␛[2J at four")
        bob.say("/join", "/join no room")
        await bob.shows("Say which room: /join kitchen.")
        await bob.shows("cannot be the name of a room")


async def test_emotes_and_names(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/me waves", "/me", "/nick al", "/me waves again", "/name", "hello")
        await bob.shows("al: hello")
        assert [line for line in bob.ui.messages if "bob" not in line] == [
            "* alice waves", "* [alice] is now [al].", "* al waves again", "al: hello",
        ]  # fmt: skip
        await alice.shows("Say what you do: /me waves.")
        await alice.shows("Say the new name")
        bob.say("/msg alice psst", "/msg al psst")
        await bob.shows("No member here has the name 'alice'.")
        await alice.shows("bob, to you alone: psst")


async def test_a_private_word_reaches_the_two_alone(home: Path) -> None:
    async with Crowd(home) as crowd:
        people = [await crowd.comes(name) for name in ("alice", "bob", "carol")]
        stranger = await crowd.joins("dave")
        alice, bob, carol = people
        alice.say("/msg bob the key is under\r\ncarol: the mat", "/msg @BOB and the lamp", "said to all")
        assert await bob.shows("key") == "alice, to you alone: the key is under␍␊carol: the mat"
        assert await alice.shows("key") == "you, to bob alone: the key is under␍␊carol: the mat"
        await bob.shows("lamp")
        for person in (carol.ui, crowd.ui):
            await person.shows("said to all")
            assert not [line for line in (*person.messages, *person.notices) if "key" in line or "lamp" in line]
        await stranger.until(lambda: "alice: said to all" in stranger.texts)
        assert b"key" not in b"".join(stranger.bodies)
        assert b"lamp" not in b"".join(stranger.bodies)


async def test_to_and_from_whoever_sits_at_the_server(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/msg server psst")
        assert await crowd.ui.shows("psst") == "alice, to you alone: psst"
        crowd.local_member.say("/msg alice yes?")
        assert await alice.shows("yes?") == "server, to you alone: yes?"
        alice.say("done")
        await bob.shows("done")
        assert not [line for line in bob.ui.messages if "psst" in line or "yes" in line]


async def test_private_words_to_nobody_are_told(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("Bob-of-Example")
        bob.say("/join kitchen")
        await bob.shows("You are")
        for line, answer in (
            ("/msg", "Say to whom"),
            ("/msg server", "Say what to tell"),
            ("/msg Bob of Example hi", "No member here has the name 'Bob'."),
            ("/msg " + "x" * 1_000_000 + " hi", "No member here has the name 'xxx"),
            ("/msg \u200b hi", "No member here has the name '\\u200b'."),
        ):
            alice.say(line)
            await alice.shows(answer)
        alice.say('/msg "Bob-of-Example" now you')
        assert await bob.shows("now you") == "alice, to you alone: now you"


async def test_a_private_word_reaches_another_room_and_is_answered_from_there(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob, carol = [await crowd.joins(name) for name in ("alice", "bob", "carol")]
        bob.session.say("/join kitchen")
        await bob.welcome(2)
        dave = await crowd.joins("dave", room="kitchen")
        alice.session.say("/msg bob the lamp")
        await bob.until(lambda: "alice, to you alone: the lamp" in [plain_line(event, "bob") for event in bob.events])
        bob.session.say("/reply which one?")
        await alice.until(lambda: "bob, to you alone: which one?" in [plain_line(event, "alice") for event in alice.events])
        alice.session.say("/reply the green one")
        await bob.until(lambda: any("green" in event.text for event in bob.events))
        assert [plain_line(event, "alice") for event in alice.events if event.kind == Kind.TOLD] == [
            "you, to bob alone: the lamp", "bob, to you alone: which one?", "you, to bob alone: the green one",
        ]  # fmt: skip
        assert all(event.fingerprint == crowd.key(event.name).fingerprint for event in (*alice.events, *bob.events))
        for other in (carol, dave):
            other.session.say("done")
            await other.until(lambda other=other: any(text.endswith("done") for text in other.texts))
            assert not [event for event in other.events if event.kind == Kind.TOLD]
        carol.session.say("/reply who?")
        assert (await carol.answer("reply"))["text"] == "Nobody who is here wrote to you in private."
        bob.cut()
        await dave.until(lambda: any("[bob] has left" in text for text in dave.texts))
        alice.session.say("/reply gone?")
        await alice.tells("Nobody who is here wrote to you in private.")
        again = await crowd.joins("bob")
        alice.session.say("/reply back again?")
        await again.until(lambda: any("back again?" in event.text for event in again.events))


async def test_an_absence_is_shown_and_told_to_those_who_write(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        bob.session.say("/away lunch")
        assert (await bob.answer("away"))["data"] == {"away": "lunch"}
        alice.session.say("/msg bob hungry?")
        answer = await alice.answer("msg")
        assert (answer["data"], answer["lines"]) == ({"to": "bob", "away": "lunch"}, ["bob is away: lunch."])
        alice.session.say("/who")
        await alice.tells(f"bob, {crowd.key('bob').fingerprint}, away: lunch")
        for line, away in (("/away", None), ("/away", ""), ("/away tea", "tea"), ("/away", None)):
            bob.session.say(line)
            count = sum(one.get("command") == "away" for one in bob.told)
            await bob.until(lambda count=count: sum(one.get("command") == "away" for one in bob.told) > count)
            assert (await bob.answer("away"))["data"] == {"away": away}
        bob.session.say("/away " + "x" * 201)
        await bob.tells("at most 200 characters")
        alice.session.say("/msg bob back?")
        await bob.until(lambda: any("back?" in event.text for event in bob.events))
        assert [one["lines"] for one in alice.told if one.get("command") == "msg"] == [["bob is away: lunch."], []]


async def test_a_member_is_described_by_name_and_by_fingerprint(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob", room="kitchen")
        fingerprint = crowd.key("bob").fingerprint
        for who in ("bob", "@Bob", fingerprint):
            alice.session.say(f"/whois {who}")
        await alice.until(lambda: sum(one.get("command") == "whois" for one in alice.told) == 3)
        first, *others = [one["data"] for one in alice.told if one.get("command") == "whois"]
        since = datetime.fromisoformat(first.pop("since"))
        assert abs((datetime.now(UTC) - since).total_seconds()) < 3600
        assert first == {
            "name": "bob", "key": fingerprint, "marks": [], "operator": False, "muted": False, "away": None, "room": "kitchen",
        }  # fmt: skip
        assert all(other["name"] == "bob" for other in others)
        await alice.tells(f"bob, {fingerprint}, in kitchen, here since 20")
        for who, answer in (("nobody-here", "No member here has the name"), ("SHA256:x", "No member here has"), ("", "Say who")):
            alice.session.say(f"/whois {who}")
            await alice.tells(answer)
        assert not [one for one in bob.told if one.get("command")]


async def test_help_explains_one_command_and_each_has_its_own_line(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice = await crowd.joins("alice")
        for command in COMMANDS:
            alice.session.say(f"/help {command.name}")
            line = f"/{command.name}  {command.help}{' (operators)' if command.operators else ''}"
            await alice.tells(line)
            assert (await alice.answer("help"))["lines"] == [line]
        alice.session.say("/help /nosuch")
        await alice.tells("There is no command /nosuch.")
        assert len({command.help for command in COMMANDS}) == len(COMMANDS)


async def test_a_name_can_be_kept_and_by_one_key_alone(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/keep")
        await alice.shows("alice is yours: nobody with another key can take it.")
        alice.say("/name other")
        await bob.shows("is now [other]")
        bob.say("/name alice")
        await bob.shows("belongs to another key")
        alice.say("/name alice")
        await bob.shows("[other] is now [alice]")
        crowd.local_member.say("/keep")
        await crowd.ui.shows("your connection shows none")


# -- for operators --------------------------------------------------------------------------------------------------------


BANNED = "The server says: You are banned from this server."


async def until_removed(person: Person, why: str) -> None:
    ending = await person.over()
    assert (ending.by, ending.reason, ending.exit_code) == (EndedBy.THEM, why, 9)


async def test_who_is_banned_is_sent_away_and_cannot_come_back_also_to_another_server(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, mallory = await crowd.comes("alice"), await crowd.comes("mallory")
        twice = await crowd.comes("mallet", key="mallory")
        crowd.local_member.say("/ban mallory")
        for person in (mallory, twice):
            await until_removed(person, "You are banned from this server.")
        await crowd.ui.shows("[server] banned [mallory]")
        assert await crowd.refuses("innocent", key="mallory") == BANNED
        await alice.shows("* [mallet] has left.")
        assert not [line for line in alice.ui.messages if "innocent" in line]
    assert Moderation(home / "rooms").is_banned(crowd.key("mallory"))
    async with Crowd(home) as crowd:
        assert await crowd.refuses("mallory") == BANNED
        with pytest.raises(Refused):
            await crowd.stranger("mallory")  # one that knows no rooms
        await crowd.comes("alice")
        crowd.local_member.say(f"/unban {crowd.key('mallory')} mallory")
        await crowd.ui.shows("[server] lifted the ban of [mallory].")
        mallory = await crowd.comes("mallory")
        assert not mallory.task.done()


async def test_a_ban_takes_a_reason(home: Path) -> None:
    async with Crowd(home) as crowd:
        mallory = await crowd.comes("mallory")
        crowd.local_member.say("/ban mallory too much spam")
        await until_removed(mallory, "You are banned from this server. The reason given: too much spam.")
        await crowd.ui.shows("[server] banned [mallory]")


async def test_an_operator_is_told_that_a_member_of_another_room_was_removed(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        bob.say("/join kitchen")
        await bob.shows("kitchen")
        crowd.local_member.say("/kick bob")
        await until_removed(bob, "You were removed from the server by server.")
        await crowd.ui.shows("* [server] removed [bob].")


async def test_who_is_muted_stays_so_until_it_is_taken_back(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        crowd.local_member.say("/mute bob")
        await crowd.ui.shows("[server] muted [bob].")
        bob.say("one")
        await bob.shows("You are muted here: nobody else saw that.")
        bob.say("exit")
        await bob.over()
        bob = await crowd.comes("bob")
        bob.say("two")
        await bob.shows("nobody else saw that")
        crowd.local_member.say("/unmute bob")
        await crowd.ui.shows("[server] unmuted [bob].")
        bob.say("three")
        await alice.shows("bob: three")
        assert not [line for line in alice.ui.messages if "one" in line or "two" in line]


async def test_operators_are_made_by_the_console_and_kept(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        crowd.local_member.say("/op alice")
        await crowd.ui.shows("[server] made [alice] an operator.")
        alice.say("/kick bob")
        await until_removed(bob, "You were removed from the server by alice.")
        alice.say("/kick alice", "/kick server", "/ban server", "/kick nobody", "/kick", "/ban", "/mute ssh-rsa AAAA")
        await alice.shows("to the person at the server")
        await alice.shows("server shows no key")
        await alice.shows("No member here has the name 'nobody'")
        await alice.shows("Say whom: /kick bob, or a key")
        await alice.shows("That is not a key")
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        alice.say("/deop bob", "/op bob")
        await alice.shows("[alice] made [bob] an operator.")
        bob.say("/deop alice")
        await bob.shows("[bob] took the operator role from [alice].")
        alice.say("/kick bob")
        await alice.shows("/kick is for operators.")


async def test_an_operator_by_its_fingerprint(home: Path) -> None:
    (home / "alice").mkdir()
    key = Crowd(home).key("alice")
    async with Crowd(home, headless=True, operator=key.fingerprint) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        bob.say("/kick alice")
        await bob.shows("/kick is for operators.")
        alice.say("/kick bob bye")
        await until_removed(bob, "You were removed from the server by alice: bye.")


async def test_a_key_is_let_in_where_a_list_is_kept(home: Path) -> None:
    crowd = Crowd(home)
    allowed = home / "allowed"
    allowed.write_text(f"{crowd.key('alice')} Alice\n")
    allowed.chmod(0o600)
    async with Crowd(home, auths=[Allow], allow=allowed) as crowd:
        await crowd.comes("alice")
        crowd.local_member.say(f"/allow {crowd.key('bob')} Bob of Example")
        await crowd.ui.shows(f"Bob of Example may come in now, by {allowed}.")
        await crowd.comes("bob")
        crowd.local_member.say(f"/allow {crowd.key('carol')} \x1b[2J")
        await crowd.ui.shows("cannot be the name of a key")
    assert allowed.read_text() == f"{crowd.key('alice')} Alice\n{crowd.key('bob')} Bob of Example\n"


class SecondList(Allow):
    """Another list, in which nothing can be entered."""

    name = "second"
    options = ()

    def __init__(self) -> None:
        super().__init__()

    async def ready(self, role: Role, secret: Callable[[str], str]) -> Sequence[str]:
        return ()

    async def check(self, peer: Peer) -> None:
        pass

    def check_admit(self, key: str, name: str) -> None:
        raise Usage("The second list is full.")

    def admit(self, key: str, name: str) -> str:
        raise AssertionError


async def test_where_one_of_several_lists_refuses_none_is_changed(home: Path) -> None:
    allowed = home / "allowed"
    allowed.write_text(before := f"{Crowd(home).key('alice')} Alice\n")
    allowed.chmod(0o600)
    async with Crowd(home, auths=[Allow, SecondList], allow=allowed) as crowd:
        await crowd.comes("alice")
        crowd.local_member.say(f"/allow {crowd.key('bob')} bob")
        await crowd.ui.shows("The second list is full.")
        assert allowed.read_text() == before
        assert not [line for line in crowd.ui.notices if "may come in now" in line]


async def test_a_key_that_is_banned_in_the_file_is_removed_when_the_file_is_read_again(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.comes("alice"), await crowd.comes("bob")
        again = await crowd.joins("bob", instance="again")
        path = crowd.hub.moderation.path
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"ban {crowd.key('bob')}\nmute {crowd.key('alice')}\n")
        path.chmod(0o600)
        crowd.server.reread()
        assert (await bob.over()).is_final
        await again.until(lambda: again.session.ending)
        alice.say("hello?")
        await alice.shows("You are muted here")
        assert sorted(member.name for member in crowd.hub.members.values()) == ["alice", "server"]


async def test_where_everybody_may_come_in_there_is_nothing_to_allow(home: Path) -> None:
    async with Crowd(home) as crowd:
        await crowd.comes("alice")
        crowd.local_member.say(f"/allow {crowd.key('bob')} bob")
        await crowd.ui.shows("Everybody may come in already")
        await idle()


# -- those that are muted -------------------------------------------------------------------------------------------------


async def test_a_muted_member_can_make_the_others_read_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, eve = await crowd.joins("alice"), await crowd.joins("eve")
        crowd.local_member.say("/mute eve")
        await alice.until(lambda: any("[server] muted [eve]." in text for text in alice.texts))
        before = len(alice.bodies)
        lines = "spam|/name spam-name|/nick spam-name|/join buy-cheap-pills|/topic spam|/me spams|/msg alice spam|//spam"
        for line in [*lines.split("|"), "", "/keep"]:
            eve.session.say(line)
        await eve.tells("eve is yours")
        crowd.local_member.say("/mute eve")
        eve.cut()
        while any(member.name == "eve" for member in crowd.hub.members.values()):
            await idle()
        again = await crowd.joins("eve", name="buy-cheap-pills", room="cheap-pills")
        assert (await again.welcome())["you"] == "eve"
        assert (await again.welcome())["room"] == "lobby"
        alice.session.say("/rooms")
        alice.session.say("/who")
        await alice.tells("eve, ")
        alice.session.say("done")
        await alice.until(lambda: "alice: done" in alice.texts)
        assert alice.texts[before:] == ["alice: done"]
        assert not [one for one in alice.told if "pills" in str(one) or "spam" in str(one)]
        assert [*crowd.hub.rooms] == ["lobby"]
        alice.session.say("/name eva")
        await alice.until(lambda: "* [alice] is now [eva]." in alice.texts)
        alice.session.say("/name spam-name")  # it is free
        await alice.until(lambda: "* [eva] is now [spam-name]." in alice.texts)


# -- names that are kept --------------------------------------------------------------------------------------------------


async def test_an_operator_releases_a_name(home: Path) -> None:
    async with Crowd(home) as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        alice.session.say("/keep")
        await alice.tells("alice is yours")
        bob.session.say("/release alice")
        await bob.tells("/release is for operators.")
        crowd.local_member.say("/release nobody-at-all")
        await crowd.ui.shows("Nobody keeps the name 'nobody-at-all'.")
        crowd.local_member.say("/release alice")
        await crowd.ui.shows("[server] released the name [alice].")
        alice.session.say("/name alicia")
        await alice.until(lambda: "* [alice] is now [alicia]." in alice.texts)
        bob.session.say("/name alice")
        await alice.until(lambda: "* [bob] is now [alice]." in alice.texts)


async def test_a_private_message_between_people_at_several_terminals_says_who_wrote_to_whom(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        first, second = await crowd.comes("ann"), await crowd.comes("ann-2", key="ann")
        bob = await crowd.comes("bob")
        first.say("/msg bob psst")
        await bob.shows("ann, to you alone: psst")
        assert await second.shows("psst") == "you, to bob alone: psst"
        bob.say("/msg ann yes?")
        await second.shows("bob, to you alone: yes?")
        assert [(one.to, one.own) for one in second.ui.happened if isinstance(one, Message)] == [("bob", True), ("ann", False)]
        second.say("/reply go on")
        await bob.shows("ann-2, to you alone: go on")
