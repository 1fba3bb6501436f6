"""The commands about files in the server's list."""

from pathlib import Path

from crowd import Crowd

from plytalk.plugins.files.file_words import AT_THE_SERVER, HELP


async def test_the_server_lists_them_and_carries_out_none(home: Path) -> None:
    async with Crowd(home) as crowd:
        stranger = await crowd.joins("old")
        stranger.session.say("/help send")
        await stranger.tells("/send  Offer files")
        for command in AT_THE_SERVER:
            stranger.session.say(f"/{command.name} x")
            answer = await stranger.answer(command.name)
            assert answer["code"] == "no-files-here"
    assert [command.name for command in AT_THE_SERVER] == list(HELP)
