"""A stream that is sent as it is read: once, to a single receiver; both sides are told if it fails."""

import asyncio
import gc
import os
from pathlib import Path

import msgspec
from crowd import Crowd
from offering import FileStranger, file_stranger, folder_of, reaches

from plytalk.plugins.files.file_items import ENDING, WINDOW, FileFailure, FileKind, Offering, Taken, end_stream, open_stream
from plytalk.plugins.files.hash_tree import KNOWN
from plytalk.plugins.files.manifest import FileOffer
from plytalk.plugins.files.piped import Piped
from plytalk.plugins.files.sending_once import SendingOnce
from plytalk.testing.verdict import idle, within

ONCE = FileOffer(name="input", size=None, root=None, hash=KNOWN[0])


def offer(crowd: Crowd) -> int:
    """The server's user offers a stream; gives where to write what it sends."""
    source, sink = os.pipe()
    crowd.local_member.files.run("send", [Piped.of("input", source)], None)
    return sink


async def opening(bob: FileStranger, stream: int, at: int = 0) -> None:
    number = (await bob.server_says(Offering)).number
    bob.send(open_stream(stream, number, at, WINDOW))


async def test_it_arrives_whole_while_it_is_written(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, yes=True)
        sink = offer(crowd)
        offered = await reaches(bob.ui, "offered")
        assert offered.size is None
        await bob.shows("* [server] offers input (unknown size, cannot be resumed). /accept 1 receives it.")
        content = bytes(range(256)) * 200
        for _ in range(10):
            await asyncio.to_thread(os.write, sink, content)
        os.close(sink)
        await reaches(bob.ui, "done")
        await reaches(crowd.ui, "done")
        assert (folder / "input").read_bytes() == content * 10
        assert [one.name for one in folder.iterdir()] == ["input"]


async def test_what_trickles_is_sent_when_nothing_more_comes_for_a_moment(home: Path) -> None:
    """The receiver was sent nothing until a record was full."""
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, yes=True)
        sink = offer(crowd)
        await reaches(bob.ui, "receiving")
        (receiving,) = bob.ui.session.files.transfers.all()  # type: ignore[union-attr]
        for done in (5, 10, 15):
            os.write(sink, b"words")
            while receiving.done < done:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        os.write(sink, bytes(200_000))  # full records, which no longer begin where those before ended
        os.close(sink)
        await reaches(bob.ui, "done")
        assert (folder / "input").read_bytes() == b"words" * 3 + bytes(200_000)


async def test_one_receives_it_from_the_beginning_and_no_other(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann, bob, eve = [await file_stranger(crowd, name) for name in ("ann", "bob", "eve")]
        ann.offer(ONCE)
        await ann.server_says(Taken)
        await opening(eve, 1, at=5)
        assert (await eve.hears(FileKind.FAIL))[2] == bytes((FileFailure.ONCE,))
        await opening(bob, 1)
        await ann.hears(FileKind.OPEN)
        await opening(eve, 2)
        assert (await eve.hears(FileKind.FAIL, 2))[2] == bytes((FileFailure.ONCE,))


async def test_an_end_without_size_and_root_ends_the_connection(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann, bob = [await file_stranger(crowd, name) for name in ("ann", "bob")]
        ann.offer(ONCE)
        await ann.server_says(Taken)
        await opening(bob, 1)
        _, stream, _ = await ann.hears(FileKind.OPEN)
        ann.send(end_stream(stream))
        await ann.ended()


async def test_another_root_at_the_end_leaves_no_file(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob, ann = await crowd.comes("bob", into=folder, yes=True), await file_stranger(crowd, "ann")
        ann.offer(ONCE)
        _, stream, _ = await ann.hears(FileKind.OPEN)
        ann.send(end_stream(stream, ENDING.pack(0, bytes(32))))
        await reaches(bob.ui, "failed")
    assert not list(folder.iterdir())


async def test_a_cut_fails_on_both_sides_and_leaves_nothing(home: Path) -> None:
    async with Crowd(home) as crowd:
        folder = folder_of(crowd, "bob")
        bob = await crowd.comes("bob", into=folder, yes=True)
        sink = offer(crowd)
        os.write(sink, b"the beginning")
        await reaches(crowd.ui, "sending")
        await reaches(bob.ui, "receiving")
        bob.say("/cancel")
        assert "cannot be sent again" in ((await reaches(crowd.ui, "failed")).reason or "")
        await reaches(bob.ui, "cancelled")
        os.close(sink)
    assert not list(folder.iterdir())


async def test_what_is_read_for_nobody_any_more_is_no_fault() -> None:
    """At Ctrl-C, `chat send -` told of a future whose exception was never retrieved."""
    faults: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    source, sink = os.pipe()
    one = SendingOnce(1, Piped.of("input", source), None, lambda _: None, lambda: None)
    one.serve(3, 0, WINDOW)
    assert await one.next_items(one.streams[3], WINDOW) == []
    reading = one._reading
    one.stopped(3)
    assert reading
    await within(asyncio.wait([reading]), "The thread goes on reading.")
    await idle()
    del reading
    one._reading = None
    gc.collect()
    os.close(sink)
    assert faults == []


async def test_a_size_without_a_root_is_no_offer(home: Path) -> None:
    async with Crowd(home, headless=True) as crowd:
        ann = await file_stranger(crowd, "ann")
        ann.offer(msgspec.structs.replace(ONCE, size=5))
        await ann.stranger.until(lambda: any(getattr(one, "code", "") == "not-offered" for one in ann.said))
