"""The lines that a client's user types in a room, and how they are kept over several connections."""

from pathlib import Path

from taking_part import client, room

from plytalk.plugins.rooms.room_input import RoomInput


async def test_that_a_line_was_refused_can_be_forgotten(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as erin:
        conversation = erin._inbox.conversation
        assert isinstance(conversation, RoomInput)
        conversation.say("x" * ((1 << 20) + 1))
        assert conversation.failed
        conversation.failed = False
        assert not conversation.failed
