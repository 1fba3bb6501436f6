"""Files from one member to others: whole, checked, in both directions, and again after a cut."""

import asyncio
import os
from pathlib import Path

import pytest
from crowd import Crowd
from offering import folder_of, reaches, receives, written

from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing.verdict import idle


@pytest.mark.parametrize("size", [0, 1, 65_511, 262_144, 262_145, 3_000_000])
async def test_a_file_arrives_whole(home: Path, size: int) -> None:
    film = written(home / "film.mkv", size)
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder)
        crowd.local_member.say(f"/send {film}")
        assert await receives(bob, folder, "film.mkv") == film.read_bytes()
        await reaches(crowd.ui, "done")
        assert [one.name for one in folder.iterdir()] == ["film.mkv"]


async def test_a_member_sends_to_the_server_and_another_member_at_once(home: Path) -> None:
    report = written(home / "report.pdf", 1_000_000)
    async with Crowd(home, into=home / "here") as crowd:
        (home / "here").mkdir()
        ann, bob = await crowd.comes("ann"), await crowd.comes("bob", into=folder_of(crowd, "bob"), yes=True)
        ann.say(f"/send {report}")
        await reaches(crowd.ui, "offered")
        crowd.local_member.say("/accept 1")
        await reaches(bob.ui, "done")
        await reaches(crowd.ui, "done")
        assert (home / "here" / "report.pdf").read_bytes() == report.read_bytes()
        assert (folder_of(crowd, "bob") / "report.pdf").read_bytes() == report.read_bytes()
        await ann.shows("* [server] has received report.pdf")
        await ann.shows("* [bob] has received report.pdf")


async def test_files_go_both_ways_while_people_talk(home: Path) -> None:
    one, other = written(home / "one", 2_000_000), written(home / "other", 2_000_000, seed=2)
    async with Crowd(home, into=home / "here", yes=True, transport=Tcp, host="127.0.0.1") as crowd:
        (home / "here").mkdir()
        bob = await crowd.comes("bob", into=folder_of(crowd, "bob"), yes=True)
        bob.say(f"/send {one}")
        crowd.local_member.say(f"/send {other}")
        for number in range(50):
            bob.say(f"line {number}")
            await asyncio.sleep(0)
        await crowd.ui.shows("bob: line 49")
        await reaches(crowd.ui, "done", "one")
        await reaches(bob.ui, "done", "other")
        assert (home / "here" / "one").read_bytes() == one.read_bytes()
        assert (folder_of(crowd, "bob") / "other").read_bytes() == other.read_bytes()


async def test_a_file_is_on_the_disk_before_it_has_its_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[list[str]] = []
    fsync = os.fsync
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.listdir(folder)), fsync(fd)))
        bob = await crowd.comes("bob", into=folder, yes=True, fsync=True)
        crowd.local_member.say(f"/send {written(home / 'x', 1000)}")
        await reaches(bob.ui, "done")
        assert synced
        assert "x" not in synced[0]


async def test_a_folder_arrives_with_all_that_is_in_it(home: Path) -> None:
    tree = home / "photos"
    (tree / "empty folder").mkdir(parents=True)
    (tree / "2026").mkdir()
    written(tree / "2026" / "a.jpg", 300_000)
    (tree / "empty").touch()
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, yes=True)
        crowd.local_member.say(f"/send {tree}")
        await reaches(bob.ui, "done")
        await bob.shows("The file photos/ (2 files, ")
    assert sorted(str(one.relative_to(folder)) for one in folder.rglob("*")) == [
        "photos", "photos/2026", "photos/2026/a.jpg", "photos/empty", "photos/empty folder",
    ]  # fmt: skip
    assert (folder / "photos" / "2026" / "a.jpg").read_bytes() == (tree / "2026" / "a.jpg").read_bytes()


async def test_after_a_cut_only_the_rest_is_sent(home: Path) -> None:
    film = written(home / "film.mkv", 40_000_000)
    async with Crowd(home, transport=Tcp, host="127.0.0.1") as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, yes=True, reconnect=True)
        crowd.local_member.say(f"/send {film}")
        await reaches(bob.ui, "receiving")
        transfers = bob.ui.session.files.transfers  # type: ignore[union-attr]
        (receiving,) = transfers.heard.all.values()
        while receiving.done < 5_000_000:  # noqa: ASYNC110
            await asyncio.sleep(0)
        bob.session.stream.close()
        bob.session.ended(ConnectionResetError())
        interrupted = await reaches(bob.ui, "interrupted")
        assert 0 < interrupted.done < 40_000_000
        asked: list[int] = []
        begin = receiving.begin
        receiving.begin = lambda *way: (asked.append(receiving._partial.received), begin(*way))
        await reaches(bob.ui, "done")
        assert interrupted.done - asked[0] < 1 << 20
        assert asked[0] > 0
        assert (folder / "film.mkv").read_bytes() == film.read_bytes()


async def test_a_sender_that_is_cut_offers_again_and_the_rest_is_sent(home: Path) -> None:
    film = written(home / "film.mkv", 40_000_000)
    async with Crowd(home, transport=Tcp, host="127.0.0.1", into=home / "here", yes=True) as crowd:
        (home / "here").mkdir()
        ann = await crowd.comes("ann", reconnect=True)
        ann.say(f"/send {film}")
        await reaches(crowd.ui, "receiving")
        (receiving,) = crowd.local_member.files.transfers.heard.all.values()
        while receiving.done < 5_000_000:  # noqa: ASYNC110
            await asyncio.sleep(0)
        ann.session.stream.close()
        ann.session.ended(ConnectionResetError())
        assert (await reaches(crowd.ui, "interrupted")).done > 0
        await reaches(crowd.ui, "done")
        assert (home / "here" / "film.mkv").read_bytes() == film.read_bytes()


async def test_what_has_come_before_the_program_ended_is_not_sent_again(home: Path) -> None:
    film = written(home / "film.mkv", 10_000_000)
    async with Crowd(home, transport=Tcp, host="127.0.0.1") as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, yes=True)
        crowd.local_member.say(f"/send {film}")
        await reaches(bob.ui, "receiving")
        (receiving,) = bob.ui.session.files.transfers.heard.all.values()  # type: ignore[union-attr]
        while receiving.done < 2_000_000:  # noqa: ASYNC110
            await asyncio.sleep(0)
        bob.task.cancel()
        await asyncio.gather(bob.task, return_exceptions=True)
        assert not (folder / "film.mkv").exists()
        bob = await crowd.comes("bob", into=folder, yes=True)
        begun = await reaches(bob.ui, "receiving")
        assert begun.done >= 1_000_000
        await reaches(bob.ui, "done")
        assert (folder / "film.mkv").read_bytes() == film.read_bytes()


async def test_what_is_not_known_is_skipped(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        bob.ui.session.files.hear(b"\x63\0\0\0\1what")  # type: ignore[union-attr]
        bob.ui.session.files.hear(b"\0\0\0\0\0{}")  # type: ignore[union-attr]
        await idle()
        assert not bob.session.ending
