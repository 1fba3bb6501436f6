"""Events that a program does not read: how many wait, and that none is lost."""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taking_part import QUICK, Cut, client, room, said, until

from plytalk.api.chat import connect
from plytalk.api.hosting import ChatServer, serve
from plytalk.api.inbox import MOST, WHILE_BUSY, Inbox
from plytalk.api.program_endpoint import ProgramEndpoint
from plytalk.core.contracts.errors import Exit, NotDone, Truncated, UnknownPeer
from plytalk.core.contracts.events import Closed, Message, Notice, now
from plytalk.core.contracts.questions import Question
from plytalk.testing.verdict import idle, run


async def held(participant: ProgramEndpoint) -> Inbox:
    """Wait until nothing more is read for a program."""
    while not participant._inbox._held:
        await idle()
    await idle()
    return participant._inbox


async def messages(participant: ProgramEndpoint, count: int) -> list[str]:
    return [(await until(participant, lambda event: isinstance(event, Message))).text for _ in range(count)]


async def test_for_a_slow_client_nothing_more_is_read_and_nothing_is_lost(tmp_path: Path) -> None:
    count = 3 * MOST
    async with room(tmp_path, rate=0) as server, client(server, tmp_path) as erin:
        for number in range(count):
            await server.send(str(number))
        assert len((await held(erin))._events) == MOST
        assert await messages(erin, count) == [str(number) for number in range(count)]


async def test_a_slow_program_at_the_server_holds_the_room_back_and_loses_nothing(tmp_path: Path) -> None:
    count, padding = 6 * MOST, "." * 4000  # more than a room keeps for those that are behind
    async with room(tmp_path, rate=0) as server, client(server, tmp_path, "bob") as bob:

        async def speak() -> None:
            for number in range(count):
                await bob.send(f"{number}{padding}")

        async def forget() -> None:
            async for _ in bob:
                pass

        speaking, forgetting = asyncio.create_task(speak()), asyncio.create_task(forget())
        assert len((await held(server))._events) <= MOST + 1
        assert await messages(server, count) == [f"{number}{padding}" for number in range(count)]
        await speaking
        await bob.close()
        await forgetting


async def test_a_program_that_sends_and_never_takes_is_told_so(tmp_path: Path) -> None:
    async with room(tmp_path, rate=0, headless=True) as server, client(server, tmp_path) as erin:

        async def speak() -> None:
            for number in range(3 * WHILE_BUSY):
                await erin.send(str(number))

        with pytest.raises(NotDone, match=f"{WHILE_BUSY:,} events wait to be taken"):
            await speak()
        with pytest.raises(NotDone, match="wait to be taken"):
            await erin.send("once more")
        for _ in range(MOST):
            await anext(erin)
        await erin.send("now")
        assert await until(erin, said("now"))


async def test_an_answer_comes_also_when_much_waits(tmp_path: Path) -> None:
    async with room(tmp_path, rate=0) as server, client(server, tmp_path) as erin:
        for number in range(2 * MOST):
            await server.send(str(number))
        await held(erin)
        answer = await erin.command("who")
        assert "erin" in " ".join(answer.lines)
        assert await messages(erin, 2 * MOST) == [str(number) for number in range(2 * MOST)]


async def test_a_cut_while_a_program_does_not_read_loses_nothing_that_had_come(tmp_path: Path) -> None:
    count = 2 * MOST

    async def talk(server: ChatServer, link: Cut) -> None:
        async with connect(link.address, peer=server.fingerprint, home=tmp_path / "erin", limits=QUICK) as erin:
            for number in range(count):
                await server.send(str(number))
            await held(erin)
            link.cut()
            events = [event async for event in erin]
            said = [event.text for event in events if isinstance(event, Message)]
            assert said == [str(number) for number in range(len(said))]
            assert len(said) >= MOST - 10
            assert isinstance(events[-1], Closed)
            assert events[-1].exit_code == Exit.TRUNCATED

    async with room(tmp_path, rate=0) as server, Cut(server.address) as link:
        with pytest.raises(Truncated):
            await talk(server, link)


async def test_with_reconnect_a_program_that_did_not_read_during_a_cut_gets_the_rest_in_order(tmp_path: Path) -> None:
    options: Any = {"home": tmp_path / "erin", "limits": QUICK, "reconnect": True}
    async with (
        room(tmp_path, rate=0, headless=True) as server,
        client(server, tmp_path, "bob") as bob,
        Cut(server.address) as link,
        connect(link.address, peer=server.fingerprint, **options) as erin,
    ):
        numbers = [str(number) for number in range(MOST + 200)]
        for number in numbers[:MOST]:
            await bob.send(number)
        await held(erin)
        link.cut()
        for number in numbers[MOST:]:
            await bob.send(number)
        await bob.send("the end")
        assert [event.text async for event in takes_until(erin, "the end")] == [*numbers, "the end"]


async def test_a_program_that_does_not_read_can_leave_also_after_a_cut_that_nobody_has_noticed(tmp_path: Path) -> None:
    options: Any = {"home": tmp_path / "erin", "limits": QUICK, "reconnect": True}
    async with (
        room(tmp_path, rate=0) as server,
        client(server, tmp_path, "bob"),
        Cut(server.address) as link,
        connect(link.address, peer=server.fingerprint, **options) as erin,
    ):
        for number in range(MOST):
            await server.send(str(number))
        await held(erin)
        link.cut()
        await erin.close()


async def takes_until(participant: ProgramEndpoint, last: str) -> AsyncIterator[Message]:
    async for event in participant:
        if isinstance(event, Message):
            yield event
            if event.text == last:
                return


async def test_of_a_server_without_a_person_the_last_notices_are_kept(tmp_path: Path) -> None:
    async with room(tmp_path, headless=True) as server:
        first = await anext(server)
        for _ in range(2 * MOST):
            server._inbox.show(first)
        assert len(server._inbox._events) == MOST


class Source:
    """A conversation that always has more, and hands it over unless reading is stopped."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox, self.waiting, self.is_reading = inbox, deque[int](), True
        inbox.conversation = self  # type: ignore[assignment]

    def send(self, numbers: Iterable[int]) -> None:
        self.waiting.extend(numbers)
        self._hand_over()

    def stop_reading(self) -> None:
        self.is_reading = False

    def read_on(self) -> None:
        self.is_reading = True
        self._hand_over()

    def _hand_over(self) -> None:
        while self.waiting and self.is_reading:
            number = self.waiting.popleft()
            self.inbox.show(Notice(id=str(number), time=now(), text=""))


steps = st.lists(st.tuples(st.sampled_from(["send", "take", "busy", "idle"]), st.integers(1, 4000)), max_size=40)


@given(steps)
def test_whatever_the_program_does_events_come_in_order_and_within_bounds(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        inbox = Inbox()
        source, sent, taken = Source(inbox), 0, 0
        async with AsyncExitStack() as stack:
            for step, amount in steps:
                if step == "send":
                    source.send(range(sent, sent + amount))
                    sent += amount
                elif step == "take":
                    for _ in range(min(amount, len(inbox._events))):
                        event = await inbox.take()
                        assert event
                        assert event.id == str(taken)
                        taken += 1
                elif step == "busy" and len(inbox._events) < WHILE_BUSY and not inbox._busy:
                    await stack.enter_async_context(inbox.reading())
                elif step == "idle":
                    with suppress(NotDone):
                        await stack.aclose()
                assert len(inbox._events) <= WHILE_BUSY
                assert taken + len(inbox._events) + len(source.waiting) == sent
                assert source.is_reading or len(inbox._events) > MOST // 2
                assert source.is_reading or inbox._held
            with suppress(NotDone):
                await stack.aclose()

    run(play)


# -- questions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [True, False])
@pytest.mark.parametrize("later", [False, True])
async def test_the_program_answers_whether_a_key_is_to_be_trusted(tmp_path: Path, answer: bool, later: bool) -> None:
    asked: list[Question] = []

    def ask(question: Question) -> bool:
        asked.append(question)
        return answer

    async def ask_later(question: Question) -> bool:
        await asyncio.sleep(0)
        return ask(question)

    async with room(tmp_path) as server:
        chat = connect(server.address, home=tmp_path / "erin", limits=QUICK, ask=ask_later if later else ask)
        if answer:
            async with chat:
                assert chat.fingerprint == server.fingerprint
        else:
            with pytest.raises(UnknownPeer):
                await chat.__aenter__()
        (question,) = asked
        assert (question.address, question.fingerprint) == (server.address, server.fingerprint)
        if answer:  # it is remembered
            async with connect(server.address, home=tmp_path / "erin", limits=QUICK):
                pass


async def test_nothing_but_true_is_a_yes(tmp_path: Path) -> None:
    async with room(tmp_path) as server:
        with pytest.raises(UnknownPeer):
            await connect(server.address, home=tmp_path / "erin", ask=lambda question: "yes").__aenter__()  # type: ignore[arg-type, return-value]


async def test_what_answering_raises_is_not_the_fault_of_a_layer(tmp_path: Path) -> None:
    def ask(question: Question) -> bool:
        raise ZeroDivisionError

    async with room(tmp_path) as server:
        with pytest.raises(UnknownPeer, match="ask= raised ZeroDivisionError") as refused:
            await connect(server.address, home=tmp_path / "erin", ask=ask).__aenter__()
    assert isinstance(refused.value.__cause__, ZeroDivisionError)


async def test_both_ends_may_be_asked_and_a_server_without_a_person_too(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(question: Question) -> bool:
        asked.append(question.text)
        return True

    async with (
        room(tmp_path, headless=True, words=True, ask=ask) as server,
        connect(server.address, peer=server.fingerprint, home=tmp_path / "erin", words=True, ask=ask, limits=QUICK),
    ):
        pass
    first, second = asked
    assert "words" in first
    assert re.findall(r"[a-z]+-[a-z]+-[a-z]+|\b[a-z]+ [a-z]+ [a-z]+\b", first) == re.findall(
        r"[a-z]+-[a-z]+-[a-z]+|\b[a-z]+ [a-z]+ [a-z]+\b", second
    )


async def test_a_one_time_code_is_asked_for_with_secret(tmp_path: Path) -> None:
    pytest.importorskip("spake2", reason="one-time codes need it: pip install spake2")
    async with serve("127.0.0.1:0", home=tmp_path / "server", code=True, limits=QUICK) as server:
        told = await until(server, lambda event: isinstance(event, Notice) and "one-time code is" in event.text)
        code = told.text.removeprefix("The one-time code is ").partition(".")[0]
        prompts: list[str] = []

        def secret(prompt: str) -> str:
            prompts.append(prompt)
            return code

        async with connect(server.address, home=tmp_path / "erin", code=True, secret=secret, limits=QUICK) as chat:
            assert chat.fingerprint == server.fingerprint
        assert prompts == ["One-time code: "]
