"""Offers of others: which are shown, which are accepted, and which are the same as before."""

import asyncio
from pathlib import Path

import msgspec
import pytest
from crowd import Crowd
from msgspec.structs import replace
from offering import file_offer, file_stranger, folder_of, reaches, written
from transferring import offered

from plytalk.core.contracts.events import File
from plytalk.plugins.files.file_items import (
    OFFERS,
    STREAMS,
    FileKind,
    Offering,
    Refusal,
    Taken,
    carry,
    end_stream,
    parse_opening,
    prove,
    say,
)
from plytalk.plugins.files.heard_offers import MOST_HEARD
from plytalk.plugins.files.receiving import Receiving
from plytalk.testing.verdict import idle


async def test_a_key_may_be_accepted_in_advance(home: Path) -> None:
    film = written(home / "film.mkv", 100)
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob", into=folder_of(crowd, "bob"), accept_from=crowd.key("ann").fingerprint)
        ann, eve = await crowd.comes("ann"), await crowd.comes("eve")
        eve.say(f"/send {film}")
        await reaches(bob.ui, "offered")
        await idle()
        ann.say(f"/send {film}")
        assert (await reaches(bob.ui, "done")).sender.name == "ann"
        assert [one.state for one in bob.ui.events if isinstance(one, File) and one.sender.name == "eve"] == ["offered"]


@pytest.mark.parametrize("change", [{"size": -1}, {"root": "short"}, {"name": 5}])
async def test_an_offer_that_makes_no_sense_is_refused_and_not_shown(home: Path, change: dict[str, object]) -> None:
    async with Crowd(home) as crowd:
        bob, ann = await crowd.comes("bob"), await file_stranger(crowd, "ann")
        file = {**msgspec.to_builtins(file_offer(written(home / "x", 10))), **change}
        ann.send(say(Offering(number=1, id="x", file=file)))
        assert "not valid" in (await ann.server_says(Refusal)).text
        transfers = bob.ui.session.files.transfers  # type: ignore[union-attr]
        transfers.hear(say(Offering(number=1, id="x", file=file, sender={"name": "ann"})))  # as a hostile server would
        assert not [one for one in bob.ui.events if isinstance(one, File)]


async def test_an_offer_with_a_hash_function_that_is_missing_here_says_what_to_install(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob, ann = await crowd.comes("bob", yes=True), await file_stranger(crowd, "ann")
        ann.offer(replace(file_offer(written(home / "x", 10)), hash="blake4"))
        assert "pip install blake3" in str((await reaches(bob.ui, "failed")).reason)
        await idle()
        assert not ann.of(FileKind.OPEN)


async def test_another_member_cannot_go_on_with_an_offer(home: Path) -> None:
    """Everybody in the room sees its id. What bob accepted would be asked of mallory, and fail."""
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, accept_from=crowd.key("ann").fingerprint)
        ann, mallory = await file_stranger(crowd, "ann"), await file_stranger(crowd, "mallory")
        path = written(home / "x", 1000)
        with offered(path) as (_, tree, file):
            ann.offer(file, id="seen by all")
            _, stream, _ = await ann.hears(FileKind.OPEN)
            mallory.offer(file, id="seen by all")
            mallory.offer(file_offer(written(home / "other", 10)), 2, id="seen by all")
            await mallory.stranger.until(lambda: len([one for one in mallory.said if isinstance(one, Taken)]) == 2)
            await idle()
            ann.send(prove(stream, 0, tree.proof(0)))
            ann.send(carry(stream, path.read_bytes()))
            ann.send(end_stream(stream))
            assert (await reaches(bob.ui, "done")).sender.name == "ann"
        assert (folder / "x").read_bytes() == path.read_bytes()
        assert not mallory.of(FileKind.OPEN)


async def test_a_sender_without_a_key_that_was_started_again_goes_on(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `chat send` after a restart: the offer has another id, and the same content."""
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob", into=folder_of(crowd, "bob"), yes=True)
        transfers = bob.ui.session.files.transfers  # type: ignore[union-attr]
        # The server knows nothing of these offers, and says so.
        monkeypatch.setattr(transfers.heard, "stream", lambda *message: None)
        file = msgspec.to_builtins(file_offer(written(home / "x", 10)))
        # While the first goes on, no other can take its name.
        for number, id, state in ((1, "a", "receiving"), (2, "b", "accepted")):
            transfers.hear(say(Offering(number=number, id=id, file=file, sender={"name": "server"})))
            await reaches(bob.ui, state)
        one = transfers.heard.all[1]
        assert one.state == "receiving"
        one.interrupt()
        transfers.hear(say(Offering(number=3, id="c", file=file, sender={"name": "server"})))
        assert (len(transfers.heard.all), one.remote) == (2, 3)


async def test_what_comes_after_the_end_is_not_looked_at(home: Path) -> None:
    """A server that says the end twice would have two threads give the file its name."""
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob, ann = await crowd.comes("bob", into=folder, yes=True), await file_stranger(crowd, "ann")
        path = written(home / "x", 1000)
        with offered(path) as (_, tree, file):
            ann.offer(file)
            await ann.hears(FileKind.OPEN)
            heard = bob.ui.session.files.transfers.heard  # type: ignore[union-attr]
            (one,) = heard.all.values()
            heard.stream(FileKind.PROOF, one.stream, bytes(4) + tree.proof(0))
            heard.stream(FileKind.DATA, one.stream, path.read_bytes())
            for kind, payload in ((FileKind.END, b""), (FileKind.END, b""), (FileKind.DATA, b"x"), (FileKind.FAIL, b"\2")):
                heard.stream(kind, one.stream, payload)
            await reaches(bob.ui, "done")
        assert [entry.name for entry in folder.iterdir()] == ["x"]
        assert "failed" not in [event.state for event in bob.ui.events if isinstance(event, File)]


async def test_what_is_cancelled_while_it_is_opened_leaves_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob, ann = await crowd.comes("bob", into=folder), await file_stranger(crowd, "ann")
        ann.offer(file_offer(written(home / "x", 10)))
        await reaches(bob.ui, "offered")
        heard = bob.ui.session.files.transfers.heard  # type: ignore[union-attr]
        one = await heard.accept()
        await asyncio.sleep(0)  # it begins to be opened
        await heard.cancel(one)
        assert one.state == "cancelled"
        await idle()
        assert not list(folder.iterdir())
        assert not ann.of(FileKind.OPEN)


async def test_an_offer_that_comes_again_while_it_is_opened_is_asked_for_once(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob, ann = await crowd.comes("bob", into=folder, yes=True), await file_stranger(crowd, "ann")
        file = file_offer(written(home / "x", 10))
        for number in range(1, 6):
            ann.offer(file, number)
        await ann.hears(FileKind.OPEN)
        await idle()
        assert {event.state for event in bob.ui.events if isinstance(event, File)} == {"offered", "accepted", "receiving"}
        assert len(ann.of(FileKind.OPEN)) - len(ann.of(FileKind.STOP)) == 1


async def test_the_same_offer_again_is_not_shown_twice(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob, ann = await crowd.comes("bob"), await file_stranger(crowd, "ann")
        file = file_offer(written(home / "x", 10))
        ann.offer(file, 1)
        ann.offer(file, 2)
        ann.offer(replace(file, name="renamed"), 3)
        ann.offer(replace(file, name="copy"), 4, id="another")
        await reaches(bob.ui, "offered", "copy")
        await ann.stranger.until(lambda: len([one for one in ann.said if isinstance(one, Taken)]) == 4)
        assert [one.name for one in bob.ui.events if isinstance(one, File)] == ["x", "copy"]


async def test_what_arrives_damaged_fails_and_the_sender_is_told(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob, ann = await crowd.comes("bob", into=folder_of(crowd, "bob"), yes=True), await file_stranger(crowd, "ann")
        ann.offer(file_offer(written(home / "x", 10)))
        _, stream, _ = await ann.hears(FileKind.OPEN)
        ann.send(carry(stream, bytes(10)))
        failed = await reaches(bob.ui, "failed")
        assert failed.reason
        await ann.stranger.until(lambda: any(getattr(one, "state", "") == "failed" for one in ann.said))
        assert not (folder_of(crowd, "bob") / "x").exists()


async def test_where_nothing_can_be_written_it_fails(home: Path) -> None:
    async with Crowd(home) as crowd:
        (missing := home / "missing").mkdir()
        bob = await crowd.comes("bob", into=missing / "far", yes=True)
        missing.rmdir()
        crowd.local_member.say(f"/send {written(home / 'x', 10)}")
        assert "missing" in str((await reaches(bob.ui, "failed")).reason)
        await crowd.ui.shows("* [bob] could not receive x.")


async def test_a_running_transfer_is_cancelled_and_nothing_stays(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob, ann = await crowd.comes("bob", into=folder, yes=True), await file_stranger(crowd, "ann")
        ann.offer(file_offer(written(home / "x", 10)))
        await ann.hears(FileKind.OPEN)
        bob.say("/cancel")
        await reaches(bob.ui, "cancelled")
        await ann.hears(FileKind.STOP)
        assert not list(folder.iterdir())


async def test_only_so_many_are_remembered(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob, ann = await crowd.comes("bob"), await file_stranger(crowd, "ann")
        file = msgspec.to_builtins(file_offer(written(home / "x", 10)))
        heard = bob.ui.session.files.transfers.heard  # type: ignore[union-attr]
        for number in range(MOST_HEARD + 5):
            heard.understand(Offering(number=number, id=f"{number}", file=file, sender={"name": "ann"}))
        assert len(heard.all) == len(heard._context._told) == MOST_HEARD
        assert ann.stranger.session.ending is None


async def test_offers_without_end_that_are_all_accepted_are_not_all_remembered(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob", into=folder_of(crowd, "bob"), yes=True)
        transfers = bob.ui.session.files.transfers  # type: ignore[union-attr]
        file = msgspec.to_builtins(file_offer(written(home / "x", 10)))
        for number in range(3 * MOST_HEARD):  # as a hostile server would
            transfers.hear(say(Offering(number=number, id=str(number), file=file, sender={"name": f"ann{number}"})))
        assert len(transfers.heard.all) == MOST_HEARD


async def test_more_files_than_streams_all_arrive(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob, ann = await crowd.comes("bob", into=folder, yes=True), await crowd.comes("ann")
        names = [f"{number}.bin" for number in range(OFFERS)]
        ann.say("/send " + " ".join(str(written(home / name, 300_000, seed)) for seed, name in enumerate(names)))
        for name in names:
            await reaches(bob.ui, "done", name)
        assert not [event for event in bob.ui.events if isinstance(event, File) and event.state == "failed"]
        assert {path.name for path in folder.iterdir()} == set(names)


async def test_one_that_waits_for_a_stream_can_be_cancelled(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob, ann = await crowd.comes("bob", into=folder_of(crowd, "bob")), await file_stranger(crowd, "ann")
        for number in range(STREAMS + 2):
            ann.offer(file_offer(written(home / f"{number}.bin", 1000, seed=number)), number=number)
            await reaches(bob.ui, "offered", f"{number}.bin")
            bob.say("/accept")
        await ann.stranger.until(lambda: len(ann.of(FileKind.OPEN)) == STREAMS)
        bob.say(f"/cancel {STREAMS + 1}")
        await reaches(bob.ui, "cancelled", f"{STREAMS}.bin")
        bob.say("/cancel 1")
        await ann.stranger.until(lambda: len(ann.of(FileKind.OPEN)) == STREAMS + 1)
        opened = [parse_opening(payload)[0] for _, _, payload in ann.of(FileKind.OPEN)]
        assert (sorted(opened[:-1]), opened[-1]) == ([*range(STREAMS)], STREAMS + 1)


async def test_files_with_the_same_content_all_arrive(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob, ann = await crowd.comes("bob", into=folder, yes=True), await crowd.comes("ann")
        names = ["a.txt", "b.txt", "c.txt"]
        for name in names:
            written(home / name, 0 if name == "c.txt" else 1000)
        (home / "d.txt").write_bytes(b"")
        ann.say("/send " + " ".join(str(home / name) for name in [*names, "d.txt"]))
        for name in [*names, "d.txt"]:
            await reaches(bob.ui, "done", name)
        assert sorted(path.name for path in folder.iterdir()) == [*names, "d.txt"]


async def test_a_file_that_cannot_be_taken_for_an_unexpected_reason_fails(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`chat receive` must not wait forever for one."""

    async def fails(*_: object, **__: object) -> bool:
        raise KeyError("x")

    monkeypatch.setattr(Receiving, "open", fails)
    async with Crowd(home) as crowd:
        bob, ann = await crowd.comes("bob", into=folder_of(crowd, "bob"), yes=True), await file_stranger(crowd, "ann")
        ann.offer(file_offer(written(home / "x", 10)))
        assert "Unexpected error: KeyError." in str((await reaches(bob.ui, "failed")).reason)
