"""What is in the file is what was said: read back by another `History`, by SQLite itself, and by servers that start again."""

import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, speaker
from programs import ENVIRONMENT, Chat, chat, connect, serve

from plytalk.core.contracts.public_key import PublicKey
from plytalk.plugins.rooms import returning, room_list
from plytalk.plugins.rooms.history import History
from plytalk.plugins.rooms.resume import ReceivedCounts
from plytalk.plugins.rooms.room import Room
from plytalk.plugins.rooms.room_events import Kind, Mark, RoomEvent
from plytalk.testing.verdict import idle
from plytalk.trust.store_errors import Exposed, StoreError

ALICE, BOB = (PublicKey.of("ssh-ed25519", bytes([number] * 32)) for number in (1, 2))


@contextmanager
def opened(path: Path) -> Iterator[History]:
    with closing(History(path)) as history:
        yield history


def room_of(name: str = "lobby", keep: int = 1000) -> Room:
    return Room(name, keep, lambda items: [], lambda room: None)


def say(room: Room, *texts: str) -> None:
    for text in texts:
        room.say(speaker("alice", 1), text)


def texts_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as file:
        return [RoomEvent.decode(body).text for (body,) in file.execute("SELECT body FROM events ORDER BY id")]


# -- what is kept -------------------------------------------------------------------------------------------------------------


def test_what_was_written_is_there_for_the_next_server(tmp_path: Path) -> None:
    lobby, kitchen = room_of(), room_of("kitchen")
    with opened(tmp_path / "history") as history:
        epoch = history.epoch
        assert [*history.rooms()] == []
        assert history.taken() == []
        say(lobby, "one", "two")
        kitchen.topic = "tea at four"
        history.write([lobby], [(("key", "a"), ReceivedCounts(2, "lobby"))])
        say(lobby, "three")
        kitchen.happen(Kind.TOPIC, speaker("bob"), "tea at four")
        history.write([lobby, kitchen], [(("", "b"), ReceivedCounts(1, "kitchen")), (("key", "a"), ReceivedCounts(3, "lobby"))])
    with opened(tmp_path / "history") as history:
        assert history.epoch == epoch
        rooms = {room.name: room for room in history.rooms()}
        assert [RoomEvent.decode(entry.body).text for entry in rooms["lobby"].entries] == ["one", "two", "three"]
        assert [entry.body for entry in rooms["lobby"].entries] == [entry.body for entry in lobby.log.since(1)]
        assert (rooms["lobby"].after, rooms["kitchen"].topic) == (0, "tea at four")
        assert history.taken() == [(("", "b"), ReceivedCounts(1, "kitchen")), (("key", "a"), ReceivedCounts(3, "lobby"))]


def test_numbers_go_on_after_each_start(tmp_path: Path) -> None:
    for start in range(3):
        with opened(tmp_path / "history") as history:
            kept = next(iter(history.rooms()), None)
            room = Room("lobby", 1000, lambda items: [], lambda room: None, *((kept.after, kept.entries) if kept else ()))
            assert room.log.next == 1 + 2 * start
            say(room, f"first of {start}", f"second of {start}")
            history.write([room], [])
    assert texts_in(tmp_path / "history") == [f"{which} of {start}" for start in range(3) for which in ("first", "second")]


def test_private_words_are_kept_for_the_keys_that_may_see_them(tmp_path: Path) -> None:
    room = room_of()
    room.happen(Kind.TOLD, speaker("alice"), "{}", audience=frozenset((ALICE, BOB)))
    room.happen(Kind.TOLD, speaker("alice"), "{}", audience=frozenset((ALICE, 17)))  # one without a key, gone with the server
    room.happen(Kind.SAID, speaker("alice"), "hello")
    with opened(tmp_path / "history") as history:
        history.write([room], [])
    with opened(tmp_path / "history") as history:
        (kept,) = history.rooms()
    assert [entry.audience for entry in kept.entries] == [frozenset((ALICE, BOB)), frozenset((ALICE,)), None]
    assert {entry.sender for entry in kept.entries} == {0}


def test_the_file_keeps_what_the_memory_keeps_and_no_trace_of_the_rest(tmp_path: Path) -> None:
    room, path = room_of(keep=10), tmp_path / "history"
    with opened(path) as history:
        for number in range(100):
            say(room, f"<word {number}>")
            history.write([room], [])
            room.flush()
        say(room, "<last>")
        history.write([room], [])
    texts = texts_in(path)
    assert texts == [RoomEvent.decode(entry.body).text for entry in room.log.since(0)]
    assert 10 < len(texts) < 2 * 10 + 18
    content = path.read_bytes()
    assert not any(f"<word {number}>".encode() in content for number in range(100) if f"<word {number}>" not in texts)
    assert [file.name for file in tmp_path.iterdir()] == ["history"]


def test_what_the_memory_drops_goes_with_the_next_write(tmp_path: Path) -> None:
    room = room_of(keep=10)
    with opened(tmp_path / "history") as history:
        while room.log.first == 1:
            say(room, "word")
            history.write([room], [])
            room.flush()
        say(room, "last")
        history.write([room], [])
    assert texts_in(tmp_path / "history") == ["word"] * (room.log.next - room.log.first - 1) + ["last"]


def test_how_much_members_have_said_is_written_also_where_no_room_has_changed(tmp_path: Path) -> None:
    with opened(tmp_path / "history") as history:
        history.write([], [(("key", "a"), ReceivedCounts(1, "lobby"))])
    with opened(tmp_path / "history") as history:
        assert history.taken() == [(("key", "a"), ReceivedCounts(1, "lobby"))]


def test_what_is_in_the_file_is_not_written_again(tmp_path: Path) -> None:
    room, journal = room_of(), tmp_path / "history-wal"
    say(room, "one")
    with opened(tmp_path / "history") as history:
        history.write([room], [])
        before = journal.stat().st_size
        history.write([room], [])
        assert journal.stat().st_size == before
        say(room, "two")
        history.write([room], [])
        assert journal.stat().st_size > before


def test_a_room_in_which_nothing_was_said_yet_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path / "history") as history:
        history.write([room_of()], [])
    with opened(tmp_path / "history") as history:
        assert [room.name for room in history.rooms()] == ["lobby"]


def test_the_file_says_in_its_header_what_it_is_and_of_which_version(tmp_path: Path) -> None:
    """Section 1.3 of https://sqlite.org/fileformat.html. With another number, a history written before would be refused."""
    with opened(tmp_path / "history"):
        pass
    header = (tmp_path / "history").read_bytes()[:100]
    assert header[68:72] == b"plyr"
    assert int.from_bytes(header[60:64], "big") == 4


def test_rooms_and_members_are_forgotten(tmp_path: Path) -> None:
    rooms = [room_of("lobby"), room_of("kitchen")]
    for room in rooms:
        say(room, "hello")
    with opened(tmp_path / "history") as history:
        history.write(rooms, [(("key", "a"), ReceivedCounts(2, "lobby")), (("key", "b"), ReceivedCounts(3, "lobby"))])
        history.forget(("key", "a"))
        history.forget_rooms(["kitchen", "one that never was"], 7)
        history.write([], [])
    with opened(tmp_path / "history") as history:
        assert [room.name for room in history.rooms()] == ["lobby"]
        assert history.taken() == [(("key", "b"), ReceivedCounts(3, "lobby"))]
        assert history.after == 7


def test_of_a_write_that_fails_nothing_stays(tmp_path: Path) -> None:
    room = room_of()
    say(room, "one")
    with opened(tmp_path / "history") as history:
        history.write([room], [])
        say(room, "two")
        with pytest.raises(StoreError, match="cannot be written"):
            history.write([room], [(("key", "a"), ReceivedCounts(1, None))])  # type: ignore[arg-type]  # what the file does not take
    assert texts_in(tmp_path / "history") == ["one"]


FULL = """if True:
    import resource, sys, pathlib
    from plytalk.trust.store_errors import StoreError
    from plytalk.plugins.rooms.history import History
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
    try:
        History(pathlib.Path(sys.argv[1]))
    except StoreError as trouble:
        print(trouble.hint)
"""


@pytest.mark.parametrize("size", [0, 1000, 5000, 9000])
def test_a_full_disk_leaves_no_new_history(tmp_path: Path, size: int) -> None:
    ran = subprocess.run([sys.executable, "-c", FULL, tmp_path / "history", str(size)], capture_output=True, text=True)
    assert "the space on its disk" in ran.stdout, ran.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_a_history_that_is_there_already(tmp_path: Path) -> None:
    room = room_of()
    say(room, "one")
    with opened(tmp_path / "history") as history:
        history.write([room], [])
    ran = subprocess.run([sys.executable, "-c", FULL, tmp_path / "history", "1000"], capture_output=True, text=True)
    assert "the space on its disk" in ran.stdout, ran.stderr
    assert texts_in(tmp_path / "history") == ["one"]


def test_where_sqlite_itself_says_that_the_disk_is_full_no_new_history_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect

    def connect_to_little(*arguments: Any, **options: Any) -> sqlite3.Connection:
        file = connect(*arguments, **options)
        file.execute("PRAGMA max_page_count = 1")
        return file

    monkeypatch.setattr(sqlite3, "connect", connect_to_little)
    with pytest.raises(StoreError, match="is full"):
        History(tmp_path / "history")
    assert list(tmp_path.iterdir()) == []


# -- what is refused ----------------------------------------------------------------------------------------------------------


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "history"
    with opened(path) as history:
        room = room_of()
        say(room, "hello")
        history.write([room], [])
        files = [*path.parent.iterdir()]
        assert len(files) > 1  # with what SQLite puts beside it
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    for rights in (0o640, 0o604, 0o601):
        path.chmod(rights)
        with pytest.raises(Exposed) as refusal:
            History(path)
        assert f"`chmod 600 {path}`" in refusal.value.sentence


def test_a_folder_that_others_can_change_is_refused(tmp_path: Path) -> None:
    """They could put another file in its place, or beside it what SQLite takes for the rest of it."""
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(Exposed, match="can be changed by other users"):
        History(folder / "letters")
    assert not [*folder.iterdir()]


def test_a_file_that_is_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "history"
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(path)
    (tmp_path / "letter").write_text("Dear Alice,\n" * 100)
    (tmp_path / "letter").chmod(0o600)
    for name in ("folder", "link", "letter"):
        with pytest.raises(StoreError):
            History(tmp_path / name)
    assert (tmp_path / "letter").read_text().startswith("Dear Alice")


def test_what_is_not_a_plain_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    path, open_files = tmp_path / "pipe", Path("/dev/fd")
    os.mkfifo(path, 0o600)
    before = len([*open_files.iterdir()])
    for _ in range(3):
        with pytest.raises(StoreError, match="pipe is not a plain file"):
            History(path)
    assert len([*open_files.iterdir()]) == before


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        ("DROP TABLE meta; PRAGMA application_id = 0; PRAGMA user_version = 0", "not a room history"),
        ("PRAGMA user_version = 99", "another version of this program"),
        ("DELETE FROM events WHERE id = 2", "gaps"),
        ("DROP TABLE events", "damaged"),
        ("UPDATE said SET count = 'x'", "damaged"),
        ("DELETE FROM meta", "damaged"),
        ("UPDATE events SET audience = 'x'", "damaged"),
        ("UPDATE rooms SET next = 'x'", "damaged"),
    ],
)
def test_a_database_that_is_not_as_it_was_left_is_refused(tmp_path: Path, statements: str, sentence: str) -> None:
    path, room = tmp_path / "history", room_of()
    say(room, "one", "two", "three")
    with opened(path) as history:
        history.write([room], [(("key", "a"), ReceivedCounts(2, "lobby"))])
    with closing(sqlite3.connect(path)) as file:
        file.executescript(statements)
    with pytest.raises(StoreError, match=sentence), opened(path) as history:
        _ = [*history.rooms()], history.taken()


@pytest.mark.parametrize(
    "statements",
    ["CREATE TABLE letters (text)", "PRAGMA user_version = 2", "PRAGMA application_id = 5"],
)
def test_a_database_of_another_program_is_refused_and_stays_as_it_is(tmp_path: Path, statements: str) -> None:
    path = tmp_path / "letters"
    with closing(sqlite3.connect(path)) as file:
        file.executescript(statements)
    path.chmod(0o600)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="is a database, but not a room history"):
        History(path)
    assert path.read_bytes() == before


def test_two_servers_cannot_have_one_file(tmp_path: Path) -> None:
    with opened(tmp_path / "history"), pytest.raises(StoreError, match="used by another program"):
        History(tmp_path / "history")


# -- in a hub ----------------------------------------------------------------------------------------------------------------


async def test_a_return_to_a_server_that_started_anew_is_a_return(home: Path) -> None:
    async with Crowd(home, history=home / "history") as crowd:
        alice, bob = await crowd.joins("alice"), await crowd.joins("bob")
        bob.session.say("one")
        bob.session.say("two")
        await alice.until(lambda: "bob: two" in alice.texts)
        before, last = await bob.welcome(), bob.events[-1].id
        alice.session.say("/topic tea")
        alice.session.say("/msg bob for you")
        alice.session.say("meanwhile")
        await alice.until(lambda: "alice: meanwhile" in alice.texts)
    async with Crowd(home, history=home / "history") as crowd:
        carol = await crowd.joins("carol")
        assert (await carol.welcome())["topic"] == "tea"
        bob = await crowd.joins("bob", resume={"epoch": before["epoch"], "last": last})
        again = await bob.welcome()
        assert (again["epoch"], again["taken"], again["missed"]) == (before["epoch"], 2, False)
        await bob.until(lambda: any("[bob] is here" in text for text in bob.texts))
        assert [event.id for event in bob.events] == [*range(last + 1, bob.events[-1].id + 1)]
        assert [event.text for event in bob.events if event.kind == Kind.SAID][-1] == "meanwhile"
        assert [event.details["text"] for event in bob.events if event.kind == Kind.TOLD] == ["for you"]
        assert not [event for event in carol.events if event.kind == Kind.TOLD]


async def test_who_was_cut_on_the_way_to_another_room_comes_back_there(home: Path) -> None:
    path, resume = home / "history", {"epoch": "", "last": 1}
    async with Crowd(home, history=path) as crowd:
        carol, bob = await crowd.joins("carol", room="kitchen"), await crowd.joins("bob")
        bob.session.say("/join kitchen")
        bob.session.say("hello kitchen")
        await carol.until(lambda: "bob: hello kitchen" in carol.texts)
        bob.cut()
        back = await (await crowd.joins("bob", room="lobby", resume=resume)).welcome()
        assert (back["room"], back["taken"], back["missed"]) == ("kitchen", 2, True)
    async with Crowd(home, history=path) as crowd:
        back = await (await crowd.joins("bob", room="lobby", resume=resume)).welcome()
        assert (back["room"], back["taken"], back["missed"]) == ("kitchen", 2, True)


async def test_what_the_server_forgets_is_not_in_the_file_either(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returning, "REMEMBERED", 1)
    monkeypatch.setattr(room_list, "MAX_ROOMS", 2)
    async with Crowd(home, history=home / "history") as crowd:
        witness = await crowd.joins("wendy")
        for name in ("alice", "bob"):
            member = await crowd.joins(name, room=f"of-{name}")
            member.session.say("hello")
            await member.until(lambda member=member, name=name: f"{name}: hello" in member.texts)
            member.cut()
            witness.session.say(f"after {name}")
            await witness.until(lambda name=name: f"wendy: after {name}" in witness.texts)
            while name in [one.name for one in crowd.hub.members.values()]:
                await idle()
        after = crowd.hub.rooms._after
    with opened(home / "history") as history:
        assert [room.name for room in history.rooms()] == ["lobby", "of-bob"]
        assert [key for (key, _), _ in history.taken()] == [str(crowd.key("wendy"))]  # who left last
        assert history.after == after > 0


# -- with a server ------------------------------------------------------------------------------------------------------------


def living_in(tmp_path: Path, name: str) -> Mapping[str, str]:
    return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / name)}


@contextmanager
def people(tmp_path: Path, port: int, *names: str) -> Iterator[list[Chat]]:
    """Clients that are in the room; from three on, each line comes with its number."""
    with ExitStack() as all_of_them:
        here = []
        for name in names:
            client = connect(port, "--accept-new", "--name", name, "--ui", "jsonl", environment=living_in(tmp_path, name))
            here.append(all_of_them.enter_context(client))
            hear(here[0], "joined", name)
        yield here


def hear(client: Chat, kind: str, sender: str) -> dict[str, object]:
    """The next event of this kind from this sender."""
    while (said := client.event(kind))["sender"]["name"] != sender:
        pass
    return said


def words_until_the_end(client: Chat) -> tuple[list[str], str]:
    """The first word of each line that a client shows until its conversation is over, and how that ended."""
    words = []
    while (said := client.event("message", "closed"))["type"] != "closed":
        words.append(said["text"].split()[0])
    return words, said["reason"]


def test_a_server_that_was_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    options = ("--keep", "--ui", "none", "--backlog", "100", "--history", str(tmp_path / "history"))
    with (
        serve(*options, environment=living_in(tmp_path, "server")) as server,
        people(tmp_path, server.port, "bob", "alice", "dave") as (bob, alice, _),
    ):
        alice.say('{"type": "message", "text": "hello"}')
        before = hear(alice, "message", "alice")
        assert (before["own"], hear(bob, "message", "alice")["id"]) == (True, before["id"])
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
    with (
        serve(*options, environment=living_in(tmp_path, "server")) as server,
        connect(server.port, "--accept-new", "--ui", "jsonl", environment=living_in(tmp_path, "carol")) as carol,
    ):
        after = hear(carol, "message", "alice")
        assert (after["id"], after["time"], after["text"], after["own"]) == (before["id"], before["time"], "hello", False)


@pytest.mark.skipif(sys.platform != "linux", reason="no limit can be set on a program that runs, but on Linux")
def test_where_no_more_can_be_written_nothing_is_acknowledged_and_the_server_ends(tmp_path: Path) -> None:
    path = tmp_path / "history"
    options = ("--keep", "--ui", "none", "--rate", "0", "--history", str(path))
    with (
        serve(*options, environment=living_in(tmp_path, "server")) as server,
        people(tmp_path, server.port, "carol", "alice", "bob") as (carol, alice, _),
    ):
        alice.say('{"type": "message", "text": "first"}')
        assert hear(alice, "message", "alice")["own"]
        room = (tmp_path / "history-wal").stat().st_size + 40_000  # less than fits into a pipe: nobody reads it yet
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (room, room))
        with suppress(BrokenPipeError):  # it ends before it has said them all
            for number in range(100):
                alice.say(json.dumps({"type": "message", "text": f"{number} {'x' * 5000}"}))
        (acknowledged, _), (shown, ending) = words_until_the_end(alice), words_until_the_end(carol)
        assert ending.startswith("The server was stopped.")  # so a client that reconnects comes back once there is room
        assert server.status() == 1
        assert server.told[-1].startswith(f"chat: The history {path} cannot be written: ")
        assert "Make room on its disk" in server.told[-1]
    kept = [text.split()[0] for text in texts_in(path) if text]
    assert kept[0] == "first"
    assert len(kept) < 100
    assert ["first", *acknowledged] == kept[: len(acknowledged) + 1]
    assert shown == kept[: len(shown)]
    with serve(*options, environment=living_in(tmp_path, "server")):
        pass  # it starts again, once there is room


def test_a_server_does_not_start_with_a_file_that_is_no_history(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("Dear Alice,\n" * 100)
    (tmp_path / "letter").chmod(0o600)
    outcome = chat("serve", "--port", "0", "--history", str(tmp_path / "letter"), environment=living_in(tmp_path, "server"))
    assert outcome.returncode == 1
    assert "letter is not a room history, or is damaged." in outcome.stderr
    assert "Listening" not in outcome.stderr


def test_a_file_written_before_events_had_keys_is_read_and_written_on(tmp_path: Path) -> None:
    path, lobby = tmp_path / "history", room_of()
    with opened(path) as history:
        say(lobby, "one", "two")
        lobby.happen(Kind.TOLD, speaker("alice", key=ALICE), "{}", audience=frozenset((ALICE, BOB)))
        history.write([lobby], [])
    old = (
        bytes.fromhex("0000000000000001 0000000000000002 01 02 06 c3a96c697365 73616c7574"),
        bytes.fromhex("0000000000000002 0000000000000003 04 00 03 626f62"),
        bytes.fromhex("0000000000000003 0000000000000004 07 00 00 7b7d"),
    )
    with closing(sqlite3.connect(path)) as file:
        for number, body in enumerate(old, 1):
            file.execute("UPDATE events SET body = ? WHERE id = ?", (body, number))
        for column in ("name", "away"):
            file.execute(f"ALTER TABLE said DROP COLUMN {column}")
        file.execute("PRAGMA user_version = 2")
        file.commit()
    for _ in range(2):
        with opened(path) as history:
            [room] = history.rooms()
            assert [RoomEvent.decode(entry.body) for entry in room.entries[:3]] == [
                RoomEvent(1, 2, Kind.SAID, Mark.NO_KEY, "\u00e9lise", "salut"),
                RoomEvent(2, 3, Kind.LEFT, 0, "bob", ""),
                RoomEvent(3, 4, Kind.TOLD, 0, "", "{}"),
            ]
            assert room.entries[2].audience == {ALICE, BOB}
            later = Room("lobby", 1000, lambda items: [], lambda room: None, room.after, room.entries)
            later.happen(Kind.SAID, speaker("alice", key=ALICE), "three")
            history.write([later], [])
    with opened(path) as history:
        [room] = history.rooms()
        assert [RoomEvent.decode(entry.body).fingerprint for entry in room.entries] == [None] * 3 + [ALICE.fingerprint] * 2


def test_a_file_of_the_first_version_goes_on_and_its_members_begin_like_newcomers(tmp_path: Path) -> None:
    path, lobby = tmp_path / "history", room_of()
    with opened(path) as history:
        say(lobby, "one")
        history.write([lobby], [(("key", "a"), ReceivedCounts(2, "lobby", 1))])
    with closing(sqlite3.connect(path)) as file:
        for column in ("since", "name", "away"):
            file.execute(f"ALTER TABLE said DROP COLUMN {column}")
        file.execute("ALTER TABLE rooms DROP COLUMN born")
        (body,) = file.execute("SELECT body FROM events").fetchone()
        file.execute("UPDATE events SET body = ?", (body[:18] + body[19:],))  # nothing was said of keys
        file.execute("PRAGMA user_version = 1")
        file.commit()
    for _ in range(2):
        with opened(path) as history:
            assert history.taken() == [(("key", "a"), ReceivedCounts(2, "lobby", 0))]
            assert [RoomEvent.decode(entry.body).text for room in history.rooms() for entry in room.entries] == ["one"]


def test_a_file_of_the_third_version_goes_on_and_its_members_have_no_names_yet(tmp_path: Path) -> None:
    path, lobby = tmp_path / "history", room_of()
    with opened(path) as history:
        say(lobby, "one")
        history.write([lobby], [(("key", "a"), ReceivedCounts(2, "lobby", 1, "ann", "lunch"))])
    with closing(sqlite3.connect(path)) as file:
        for column in ("name", "away"):
            file.execute(f"ALTER TABLE said DROP COLUMN {column}")
        file.execute("PRAGMA user_version = 3")
        file.commit()
    with opened(path) as history:
        [room] = history.rooms()
        assert [entry.body for entry in room.entries] == [entry.body for entry in lobby.log.since(1)]
        assert history.taken() == [(("key", "a"), ReceivedCounts(2, "lobby", 1))]
        history.write([], [(("key", "a"), ReceivedCounts(3, "lobby", 1, "ann", ""))])
    with opened(path) as history:
        assert history.taken() == [(("key", "a"), ReceivedCounts(3, "lobby", 1, "ann", ""))]


async def test_who_is_muted_and_away_has_the_same_name_after_a_restart_and_is_still_away(home: Path) -> None:
    path, key = home / "history", Crowd(home).key("olga").fingerprint
    async with Crowd(home, headless=True, history=path, operator=key) as crowd:
        olga, bob = await crowd.joins("olga"), await crowd.joins("bob")
        welcome = await bob.welcome()
        bob.session.say("/away lunch")
        await bob.answer("away")
        olga.session.say("/mute bob")
        await olga.answer("mute")
    async with Crowd(home, headless=True, history=path, operator=key) as crowd:
        bob = await crowd.joins("bob", resume={"epoch": welcome["epoch"], "last": welcome["next"] - 1})
        assert (await bob.welcome())["you"] == "bob"
        bob.session.say("/who")
        [member] = (await bob.answer("who"))["data"]
        assert (member["name"], member["muted"], member["away"]) == ("bob", True, "lunch")
