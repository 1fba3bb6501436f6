"""Questions to a person: one at a time, and an answer for the one that was on the screen when it was typed."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.events import Event, Notice
from plytalk.core.contracts.questions import ANSWERS, HINT, TRIES, Question, QuestionQueue


class Terminal:
    """A screen with one row for a question, and a person who types lines."""

    def __init__(self) -> None:
        self.shown: Question | None = None
        self.seen: list[int] = []
        self.hints = 0
        self._typed: asyncio.Future[str | None] | None = None

    async def answer(self, question: Question) -> str | None:
        assert self.shown is None, "two questions on one screen"
        self.shown = question
        self.seen.append(question.number)
        self._typed = asyncio.get_running_loop().create_future()
        try:
            return await self._typed
        finally:
            self.shown = self._typed = None

    def show(self, event: Event) -> None:
        assert isinstance(event, Notice)
        assert (event.text, event.code) == (HINT, "yes-or-no")
        self.hints += 1

    def next_id(self) -> str:
        return f"local/{self.hints}"

    def type(self, line: str | None) -> None:
        """Type a line; where no question is on the screen it does not answer any."""
        if self._typed and not self._typed.done():
            self._typed.set_result(line)


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("line", "answer"), [("yes", True), ("YES", True), (" Yes\t", True), ("no", False), ("No", False), ("nO ", False)]
)
async def test_a_whole_word_is_an_answer(line: str, answer: bool) -> None:
    screen = Terminal()
    asking = asyncio.create_task(QuestionQueue(screen).ask("Trust it?"))
    await turns()
    screen.type(line)
    assert await asking is answer
    assert screen.hints == 0


@pytest.mark.parametrize("line", ["y", "n", "", "ye", "yess", "yes please", "yes\nyes", "ja", "true", "1", "\uff59es", "yes\x00"])
async def test_anything_else_asks_the_same_question_again(line: str) -> None:
    screen = Terminal()
    asking = asyncio.create_task(QuestionQueue(screen).ask("Trust it?"))
    await turns()
    screen.type(line)
    await turns()
    assert not asking.done()
    assert screen.hints == 1
    assert screen.seen == [1, 1]
    screen.type("no")
    assert await asking is False


async def test_the_end_of_input_is_a_no() -> None:
    screen = Terminal()
    asking = asyncio.create_task(QuestionQueue(screen).ask("Trust it?", "--yes"))
    await turns()
    screen.type(None)
    assert await asking is False


async def test_somebody_who_never_answers_has_said_no() -> None:
    class Babbles(Terminal):
        async def answer(self, question: Question) -> str | None:
            return "perhaps"

    screen = Babbles()
    with pytest.raises(UnknownPeer, match=r"Trust it\? Nobody answered.") as failure:
        await QuestionQueue(screen).ask("Trust it?", "--yes")
    assert failure.value.hint == "--yes"
    assert screen.hints == TRIES


@pytest.mark.parametrize("given", [True, 1, b"yes", ["yes"]])
async def test_what_is_no_line_is_no_answer(given: object) -> None:
    class Odd(Terminal):
        async def answer(self, question: Question) -> str | None:
            return given  # type: ignore[return-value]

    with pytest.raises(UnknownPeer):
        await QuestionQueue(Odd()).ask("Trust it?")


async def test_a_withdrawn_question_leaves_the_screen_to_the_next() -> None:
    screen = Terminal()
    queue = QuestionQueue(screen)
    first, second, third = (asyncio.create_task(queue.ask(text)) for text in ("first", "second", "third"))
    await turns()
    second.cancel()
    first.cancel()
    await turns()
    assert screen.shown
    assert screen.shown.text == "third"
    screen.type("yes")
    assert await third is True
    assert screen.seen == [1, 3]


def test_a_question_says_whom_it_is_about() -> None:
    about = {"address": "192.0.2.7:4000", "fingerprint": "SHA256:abc"}
    assert Question(1, "Is it?", **about).sentence == "About 192.0.2.7:4000 (key SHA256:abc): Is it?"
    assert Question(1, "Is it?", address="192.0.2.7:4000").sentence == "About 192.0.2.7:4000: Is it?"
    assert Question(1, "Is it?").sentence == "Is it?"
    named = "Is SHA256:abc the key of 192.0.2.7:4000?"
    assert Question(1, named, **about).sentence == named


# -- callers come and go, and the person types anything ---------------------------------------------------------------------


@dataclass
class Caller:
    asking: "asyncio.Task[bool]"
    entitled: set[bool] = field(default_factory=set)
    gone: bool = False


LINES = st.one_of(st.sampled_from([*ANSWERS, "YES", " no ", "y", "n", "", "yes yes", None]), st.text(max_size=5))


class Callers(RuleBasedStateMachine):
    """Only the caller whose question was on the screen when a whole word was typed gets that answer."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.screen, self.callers = Terminal(), list[Caller]()
        self.queue = QuestionQueue(self.screen)

    def teardown(self) -> None:
        for caller in self.callers:
            caller.asking.cancel()
        self._settle()
        self.loop.close()

    def _settle(self) -> None:
        self.loop.run_until_complete(turns())

    @rule()
    def connect(self) -> None:
        number = len(self.callers)
        self.callers.append(Caller(self.loop.create_task(self.queue.ask(str(number), address=f"192.0.2.1:{number}"))))

    @rule()
    def a_moment_passes(self) -> None:
        self._settle()

    @precondition(lambda self: self.callers)
    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        caller = data.draw(st.sampled_from(self.callers))
        caller.gone = caller.gone or not caller.asking.done()
        caller.asking.cancel()

    @rule(line=LINES)
    def type(self, line: str | None) -> None:
        on_screen = self.screen.shown
        if on_screen and (answer := False if line is None else ANSWERS.get(line.strip().lower())) is not None:
            self.callers[int(on_screen.text)].entitled.add(answer)
        self.screen.type(line)

    @invariant()
    def answers_go_to_the_one_that_was_asked(self) -> None:
        for caller in self.callers:
            if caller.asking.done() and not caller.asking.cancelled() and not caller.asking.exception():
                assert caller.asking.result() in caller.entitled
                assert len(caller.entitled) == 1 or not caller.entitled

    @invariant()
    def questions_are_asked_in_the_order_in_which_they_came(self) -> None:
        assert self.screen.seen == sorted(self.screen.seen)

    @invariant()
    def the_screen_shows_nobody_who_has_gone(self) -> None:
        self._settle()
        if self.screen.shown:
            assert not self.callers[int(self.screen.shown.text)].gone


TestCallers = Callers.TestCase
TestCallers.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
