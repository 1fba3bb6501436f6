"""A server without files has no exchange."""

from pathlib import Path

from crowd import Crowd
from offering import file_offer, file_stranger, written

from plytalk.plugins.files.file_items import Taken


async def test_it_is_made_for_the_first_offer(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann = await file_stranger(crowd, "ann")
        assert crowd.hub.exchange.made is None
        ann.offer(file_offer(written(home / "x", 10)))
        await ann.server_says(Taken)
        assert crowd.hub.exchange.made
