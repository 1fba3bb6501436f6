"""How a program's part in a conversation begins and ends: what is raised where, and that nothing is left behind."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from taking_part import OTHER, QUICK, Cut, client, room, said, until

from plytalk.api.chat import connect
from plytalk.api.hosting import ChatServer, serve
from plytalk.core.contracts.errors import (
    Exit,
    NotDone,
    NotReceived,
    Truncated,
    UnknownLayer,
    UnknownPeer,
    Usage,
)
from plytalk.core.contracts.events import Closed, File
from plytalk.core.contracts.limits import Limits
from plytalk.testing.verdict import idle


@pytest.mark.parametrize(
    ("address", "options", "error"),
    [
        ("", {}, Usage),
        ("127.0.0.1:1", {"cipher": "nonsense"}, UnknownLayer),
        ("127.0.0.1:1", {"peer": "nonsense"}, Usage),
        ("@nobody", {}, Usage),
    ],
)
async def test_what_makes_no_sense_is_raised_where_the_context_is_entered(
    tmp_path: Path, address: str, options: dict[str, Any], error: type[Exception]
) -> None:
    chat = connect(address, home=tmp_path, **options)
    with pytest.raises(error):
        async with chat:
            raise AssertionError("it went on")


@pytest.mark.parametrize(
    ("name", "value"),
    [("address", None), ("address", 7591), ("address", b"host"), ("address", ("127.0.0.1", 1))]
    + [(name, 5) for name in ("profile", "home", "secret", "ask", "limits")],
)
@pytest.mark.parametrize("make", [connect, serve])
def test_a_value_of_another_type_is_refused_by_its_name(make: Callable[..., object], name: str, value: object) -> None:
    if (make, name, value) == (serve, "address", None):
        return
    with pytest.raises(Usage, match=rf"^{name}= takes a value of the type .*, not {type(value).__name__}"):
        make(**{"address": "127.0.0.1:1", name: value})


@pytest.mark.parametrize("options", [{"ui": "console"}, {"options": 5}, {"options": {5: 1}}])
async def test_layers_that_are_none_are_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(Usage):
        async with connect("127.0.0.1:1", home=tmp_path, **options):
            raise AssertionError("it went on")


async def test_what_is_said_has_a_type_too(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as chat:
        for wrong in (None, 5, b"hello", ["hello"]):
            with pytest.raises(Usage, match=r"^text= takes a value of the type str"):
                await chat.send(wrong)
            with pytest.raises(Usage, match=r"^name= takes a value of the type str"):
                await chat.command(wrong)
            with pytest.raises(Usage, match=r"^Argument 2 takes a value of the type str"):
                await chat.command("msg", "bob", wrong)
            with pytest.raises(Usage, match=r"^event= takes a value of the type Event"):
                chat.tell_read(wrong)
        for wrong in (None, 5, ["file"]):
            with pytest.raises(Usage, match="path= takes a value of the type str or bytes or PathLike, not"):
                await chat.send_file(wrong)
        with pytest.raises(Usage, match=r"^to= takes"):
            await chat.send("hello", to=5)


async def test_another_thread_or_loop_is_told_where_the_conversation_belongs(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as chat:

        def elsewhere() -> None:
            for call in (lambda: chat.send("hello"), lambda: chat.command("who"), lambda: anext(chat), chat.close):
                with pytest.raises(Usage, match="another event loop, or to another thread"):
                    asyncio.run(call())
            with pytest.raises(Usage, match="another event loop, or to another thread"):
                chat.tell_typing()

        await asyncio.to_thread(elsewhere)
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(chat.send("hello"), loop).result())


def test_a_conversation_whose_loop_has_ended_says_so(tmp_path: Path) -> None:
    async def begin() -> Any:
        server = serve("127.0.0.1:0", home=tmp_path / "server", headless=True)
        await server.__aenter__()
        chat = connect(server.address, peer=server.fingerprint, home=tmp_path / "client")
        return await chat.__aenter__()

    chat = asyncio.run(begin())
    for call in (lambda: chat.send("hello"), chat.close):
        with pytest.raises(Usage, match="another event loop"):
            asyncio.run(call())


async def test_a_conversation_whose_task_somebody_cancelled_is_broken_off(tmp_path: Path) -> None:
    async with room(tmp_path) as server:
        chat = await client(server, tmp_path).__aenter__()
        while not chat._task.done():
            chat._task.cancel()
            await idle()
        with pytest.raises(NotDone, match="broken off"):
            await chat.send("hello")
        with pytest.raises(NotDone, match="broken off"):
            await chat.close()


async def test_a_conversation_begins_once(tmp_path: Path) -> None:
    async with room(tmp_path) as server:
        chat = client(server, tmp_path)
        for early in (chat.send("too early"), chat.command("who"), anext(chat)):
            with pytest.raises(Usage, match="has not begun"):
                await early
        await chat.close()
        async with chat:
            pass
        with pytest.raises(Usage, match="has begun before"):
            async with chat:
                raise AssertionError("it went on")
        with pytest.raises(NotDone, match="is over"):
            await chat.send("too late")
        await chat.close()


async def test_a_message_without_a_text_is_refused_in_a_room(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as chat:
        for text in ("", " \n"):
            with pytest.raises(NotDone) as refused:
                await chat.send(text)
            assert refused.value.code == "empty"


async def test_a_cut_ends_the_events_and_is_raised_at_the_end(tmp_path: Path) -> None:
    async def talk(server: ChatServer, link: Cut) -> None:
        async with connect(link.address, peer=server.fingerprint, home=tmp_path / "erin") as erin:
            await erin.send("one")
            await until(erin, said("one"))
            link.cut()
            last = [event async for event in erin][-1]
            assert isinstance(last, Closed)
            assert last.exit_code == Exit.TRUNCATED

    async with room(tmp_path) as server, Cut(server.address) as link:
        with pytest.raises(Truncated) as cut:
            await talk(server, link)
        assert cut.value.exit_code == Exit.TRUNCATED


async def test_a_cut_is_raised_by_what_the_program_does_next(tmp_path: Path) -> None:
    reached: list[str] = []

    async def talk(server: ChatServer, link: Cut) -> None:
        async with connect(link.address, peer=server.fingerprint, home=tmp_path / "erin") as erin:
            link.cut()
            await until(erin, lambda event: isinstance(event, Closed))
            reached.append("the end")
            await erin.send("are you there?")
            reached.append("no error")

    async with room(tmp_path) as server, Cut(server.address) as link:
        with pytest.raises(Truncated):
            await talk(server, link)
        assert reached == ["the end"]


async def test_a_cut_ends_what_the_program_waits_for(tmp_path: Path) -> None:
    async def talk(server: ChatServer, link: Cut) -> None:
        async with connect(link.address, peer=server.fingerprint, home=tmp_path / "erin") as erin:
            link.stop()
            waiting = asyncio.create_task(erin.command("who"))
            await idle()
            assert not waiting.done()
            link.cut()
            await waiting

    async with room(tmp_path) as server, Cut(server.address) as link:
        with pytest.raises(NotDone, match="cut before the answer to /who came") as lost:
            await talk(server, link)
        assert lost.value.code == "answer-lost"


async def test_what_the_program_raises_is_not_replaced_by_how_it_ended(tmp_path: Path) -> None:
    async def talk(server: ChatServer, link: Cut) -> None:
        async with connect(link.address, peer=server.fingerprint, home=tmp_path / "erin"):
            link.cut()
            raise ZeroDivisionError

    async with room(tmp_path) as server, Cut(server.address) as link:
        with pytest.raises(ZeroDivisionError):
            await talk(server, link)


async def test_what_was_not_received_is_raised(tmp_path: Path) -> None:
    async def talk(server: ChatServer, link: Cut) -> None:
        async with connect(link.address, peer=server.fingerprint, home=tmp_path / "erin", limits=QUICK) as erin:
            link.stop()
            await erin.send("one")

    async with room(tmp_path) as server, Cut(server.address) as link:
        with pytest.raises(NotReceived):
            await talk(server, link)


async def test_cancelled_while_it_waits_for_events_it_says_goodbye(tmp_path: Path) -> None:
    async with room(tmp_path) as server:

        async def listen() -> None:
            async with client(server, tmp_path) as erin:
                await erin.send("here")
                async for _ in erin:
                    pass

        task = asyncio.create_task(listen())
        await until(server, said("here"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        left = await until(server, lambda event: event.type in ("left", "closed"))
        assert "cut" not in (left.reason or "")


async def test_cancelled_while_it_connects_nothing_is_left(tmp_path: Path) -> None:
    before = asyncio.all_tasks()

    async def wait(place: str) -> None:
        async with asyncio.timeout(0.3), connect(place, peer=OTHER, home=tmp_path):
            raise AssertionError("it went on")

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(TimeoutError):
        await wait("{}:{}".format(*silent.getsockname()))
    assert asyncio.all_tasks() == before


async def test_a_second_cancellation_ends_it_at_once(tmp_path: Path) -> None:
    patient, saying = Limits(goodbye=3600, farewell=3600), asyncio.Event()

    async def talk(server: ChatServer, link: Cut) -> None:
        async with connect(link.address, peer=server.fingerprint, home=tmp_path / "erin", limits=patient) as erin:
            link.stop()
            await erin.send("lost")
            saying.set()
            await asyncio.get_running_loop().create_future()

    async with room(tmp_path) as server, Cut(server.address) as link:
        task = asyncio.create_task(talk(server, link))
        await saying.wait()
        task.cancel()  # it says goodbye, and waits until all is received, which nothing is
        await idle()
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with room(tmp_path) as server, client(server, tmp_path) as erin, client(server, tmp_path, "bob") as bob:
        await erin.send("one")
        await until(bob, said("one"))
    assert asyncio.all_tasks() == before


async def test_conversations_share_no_files_where_each_has_its_folder(tmp_path: Path) -> None:
    async with room(tmp_path) as server, client(server, tmp_path) as erin, client(server, tmp_path, "bob") as bob:
        assert {erin.me.key, bob.me.key, server.fingerprint} & {None} == set()
        assert len({erin.me.key, bob.me.key, server.fingerprint}) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bob", "erin", "server"]
    for name in ("bob", "erin", "server"):
        assert (tmp_path / name / "identity").exists()


async def test_a_passphrase_is_asked_for_and_shown_nowhere(tmp_path: Path) -> None:
    bcrypt = pytest.importorskip("bcrypt")
    assert bcrypt
    from plytalk.trust.identity import create

    create(tmp_path / "key", "open sesame")
    async with room(tmp_path) as server:
        with pytest.raises(UnknownPeer, match="is needed"):
            async with client(server, tmp_path, identity=tmp_path / "key"):
                raise AssertionError("it went on")
        asked: list[str] = []

        def secret(prompt: str) -> str:
            asked.append(prompt)
            return "open sesame"

        async with client(server, tmp_path, identity=tmp_path / "key", secret=secret) as erin:
            assert "sesame" not in repr(erin) + repr(vars(erin)["_arguments"]) + repr(server)
        assert len(asked) == 1


# Files


async def test_a_program_sends_a_file_and_another_receives_it(tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    film.write_bytes(b"film" * 100_000)
    (into := tmp_path / "into").mkdir()
    async with room(tmp_path, into=into) as server, client(server, tmp_path) as erin:
        number = await erin.send_file(film, to="server")
        offered = await until(server, lambda event: isinstance(event, File) and event.state == "offered")
        await server.command("accept", offered.transfer)
        done = await until(server, lambda event: isinstance(event, File) and event.state == "done")
        assert (done.written, (into / "film.mkv").read_bytes()) == ("film.mkv", film.read_bytes())
        told = await until(erin, lambda event: isinstance(event, File) and event.state == "done")
        assert (told.transfer, told.sender.name) == (number, "server")
        with pytest.raises(NotDone, match="cannot be read"):
            await erin.send_file(tmp_path / "missing")
        with pytest.raises(NotDone, match="@server cannot be read"):  # a name of a file, and not whom it is for
            await erin.send_file("@server")
        with pytest.raises(NotDone, match="missing cannot be read"):
            await erin.send_file(bytes(tmp_path / "missing"))  # type: ignore[arg-type]
        with pytest.raises(NotDone, match="nobody"):
            await erin.send_file(film, to="nobody")
