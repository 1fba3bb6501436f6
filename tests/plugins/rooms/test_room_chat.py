"""A client's present connection: what is said is counted, and kept until it is acknowledged."""

from alone import Alone, Items, frame

from plytalk.core.contracts.items import Extension
from plytalk.core.contracts.limits import Limits
from plytalk.plugins.rooms.kept_lines import KeptLines
from plytalk.plugins.rooms.room_chat import RoomChat
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
