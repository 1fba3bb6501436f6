"""A client's current connection: lines are counted, and kept until the server acknowledges them."""

from alone import Alone, Items, frame

from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.limits import Limits
from plytalk.plugins.rooms.room_chat import MAX_KEPT, KeptLines, RoomChat
from plytalk.testing.verdict import idle


async def test_what_is_said_is_counted_and_what_was_taken_told() -> None:
    alone = await Alone(Items, limits=Limits(message=10), make_chat=RoomChat).open()
    alone.peer.send(frame(b"=1"))
    await idle()
    alone.session.lines = lines = KeptLines()
    alone.session.say("one")
    alone.session.say("far too long to be sent")
    alone.session.send_item(Extension(8, b""))
    alone.session.say("two")
    alone.session.say("three")
    assert (len(lines), lines.taken) == (3, 0)
    alone.peer.send(frame(b"=2") + frame(b"=0"))
    await idle()
    assert (len(lines), lines.taken) == (1, 2)
    alone.session.say("exit")
    alone.session.say("ghost")
    assert len(lines) == 1
    await alone.over()


# -- what is kept: all of it for a server with rooms, and a bounded number for any other -----------------------------------------


async def test_for_a_server_that_has_not_said_welcome_no_more_is_kept_than_a_bound() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.lines = lines = KeptLines()
    for _ in range(MAX_KEPT + 2):
        alone.session.say("x")
    assert len(lines) == MAX_KEPT
    lines.welcome()
    alone.session.say("x")
    assert len(lines) == MAX_KEPT + 1
    lines.begin_connection()
    alone.session.say("x")
    assert len(lines) == MAX_KEPT + 1
    alone.session.say("exit")
    await alone.over()


def test_what_was_said_earlier_is_what_an_acknowledgement_has_left_of_it() -> None:
    lines = KeptLines()
    lines += ("one", "two", "three")
    assert lines.said_earlier() == ()
    lines.begin_connection()
    lines.append("four")
    lines.acknowledge(1)
    assert (lines.said_earlier(), lines.taken, len(lines)) == (("two", "three"), 1, 3)
    lines.drop_earlier(7)
    assert (lines.said_earlier(), lines.taken, len(lines)) == ((), 7, 1)
    lines.acknowledge(9)
    assert (lines.taken, len(lines)) == (8, 0)


def test_only_what_others_see_is_awaited_as_an_event() -> None:
    lines = KeptLines()
    lines += ("words", "", " \t", "/who", "//not a command")
    lines.acknowledge(5)
    assert lines.unshown == 2
