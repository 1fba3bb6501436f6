"""A program's server for guests of the existing chats."""

from pathlib import Path

import pytest
from taking_part import QUICK, client, room, said, until

from plytalk.api.chat import connect
from plytalk.api.hosting import serve
from plytalk.core.contracts.errors import UnknownLayer, Usage
from plytalk.core.contracts.events import Joined


async def test_guests_come_into_the_room_of_a_program(tmp_path: Path) -> None:
    async with (
        room(tmp_path, guests=["demo01:0", "secure-chat:0"]) as server,
        client(server, tmp_path) as erin,
        connect(server.guest_addresses[0], profile="demo01", limits=QUICK) as plain,
        connect(server.guest_addresses[1], profile="secure-chat", limits=QUICK) as sealed,
    ):
        assert len(set(server.guest_addresses) | {server.address}) == 3
        for _ in range(2):
            await until(erin, lambda event: isinstance(event, Joined) and not event.own)
        await erin.send("welcome")
        for guest in (plain, sealed):
            await until(guest, said("erin: welcome"))
        await plain.send("from afar")
        assert (await until(erin, said("from afar"))).sender.marks == ("not authenticated", "not encrypted")


@pytest.mark.parametrize(
    ("guests", "error", "why"),
    [
        (["plytalk1"], Usage, "not an existing chat"),
        (["nosuch"], UnknownLayer, "nosuch"),
        (["demo01:x"], Usage, "PROFILE:PORT"),
        (["", " "], Usage, "names nobody"),
    ],
)
async def test_what_cannot_be_a_guest_is_refused(tmp_path: Path, guests: list[str], error: type[Exception], why: str) -> None:
    with pytest.raises(error, match=why):
        await serve("127.0.0.1:0", home=tmp_path, guests=guests).__aenter__()


async def test_guests_need_a_room(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="--guests needs a room"):
        await serve("127.0.0.1:0", home=tmp_path, profile="demo01", guests=["demo02"]).__aenter__()
