"""A client's present connection: what is said is kept, and waits while it is held."""

from alone import Alone, Items, frame

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import Truncated
from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.limits import Limits
from plytalk.plugins.rooms.kept_lines import KeptLines
from plytalk.plugins.rooms.room_chat import RoomChat
from plytalk.testing import RecordingUi
from plytalk.testing.verdict import idle


async def test_what_is_said_while_hearing_goes_out_in_one_piece_also_where_it_was_held() -> None:
    class Holds(RecordingUi):
        """Holds back its answers for a moment."""

        def message(self, text: str) -> None:
            assert isinstance(self.session, RoomChat)
            self.session.hold()
            self.session.say(text)
            self.session.release()
            self.session.say("and more")

    alone = await Alone(Holds, make_chat=RoomChat).open()
    alone.ui.session = alone.session
    alone.session.connection._receive(frame(b"one"))
    assert [*alone.peer._inbox] == [frame(b"one") + frame(b"and more")]
    alone.session.exit()
    await alone.over()


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


async def test_while_it_is_held_nothing_goes_out_and_then_all_in_order() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.say("before")
    alone.session.hold()
    assert b"".join(alone.peer._inbox) == frame(b"before")
    alone.session.say("held")
    await alone.session.drain()
    alone.peer.send(frame(b"hello"))
    await alone.ui.until(messages=1)
    assert alone.says == frame(b"before")
    alone.session.release(("again", "and again"))
    alone.session.say("after")
    await idle()
    assert alone.says == b"".join(map(frame, (b"before", b"again", b"and again", b"held", b"after")))
    alone.session.exit()
    await alone.over()


async def test_who_leaves_while_it_is_held_has_said_all() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.hold()
    alone.session.say("last words")
    alone.session.exit()
    await idle()
    assert alone.says == b""  # what was said before may still come before it
    alone.session.exit()
    await idle()
    assert alone.says == frame(b"exit")  # nobody asked for what was said before, so nothing is said out of order
    assert (await alone.over()).exit_code == 8


async def test_an_answer_of_the_room_behind_our_goodbye_sends_nothing() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.hold()
    alone.session.exit()
    alone.session.exit()
    alone.session.release(("again",))
    await idle()
    assert alone.says == frame(b"exit")
    await alone.over()


async def test_nothing_is_said_behind_a_goodbye_that_waits() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.lines = KeptLines()
    alone.session.hold()
    alone.session.say("held")
    alone.session.exit("Exit")
    alone.session.say("ghost")
    alone.session.release()
    await idle()
    assert alone.says == frame(b"held") + frame(b"exit")
    assert len(alone.session.lines) == 1
    await alone.over()


async def test_a_goodbye_waits_no_longer_than_goodbyes_may() -> None:
    alone = await Alone(Items, make_chat=RoomChat, limits=Limits(goodbye=0.01)).open()
    alone.session.hold()
    alone.session.say("held")
    alone.session.exit()
    assert alone.session.ending is None
    ending = await alone.over()
    assert alone.says == frame(b"exit")
    assert ending.by is EndedBy.US
    assert "2 lines that you sent were not received" in ending.reason


async def test_items_wait_in_their_turn_while_lines_are_held() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.hold()
    alone.session.say("one")
    alone.session.send_item(Extension(8, b"two"))
    alone.session.say("three")
    await idle()
    assert alone.says == b""
    alone.session.release()
    await idle()
    assert alone.says == b"".join(map(frame, (b"one", b"+8 two", b"three")))
    alone.session.exit()
    await alone.over()


async def test_after_a_fault_nothing_that_was_held_goes_out() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.hold()
    alone.session.say("held")
    alone.session.fail(Truncated("cut"))
    alone.session.release(("again",))
    await idle()
    assert alone.says == b""
    await alone.over()


async def test_a_goodbye_of_the_other_side_is_answered_behind_what_is_held() -> None:
    alone = await Alone(Items, make_chat=RoomChat).open()
    alone.session.hold()
    alone.session.say("held")
    alone.peer.send(frame(b"exit"))
    await idle()
    assert alone.says == frame(b"held") + frame(b"=1") + frame(b"exit")
    await alone.over()
