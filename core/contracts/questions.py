"""Questions to the person at a UI: one at a time, each answered by a whole word typed after the question was shown.

Every UI has one queue for the questions of all authenticators. The UI only shows a question and returns the next line typed. This
module decides which question the line belongs to, and whether it is an answer.
"""

import asyncio
from itertools import count
from typing import Protocol

from msgspec import Struct

from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.events import EventSink, notify

ANSWERS = {"yes": True, "no": False}
HINT = "Type yes or no."
TRIES = 100
"""After this many lines that are not an answer, a question counts as answered with no."""


class Question(Struct, frozen=True):
    """A question about a peer, with the peer's address and key. `number` grows with each question of a UI. `otherwise` says which
    option answers it in advance.
    """

    number: int
    text: str
    otherwise: str = ""
    address: str = ""
    fingerprint: str = ""

    @property
    def sentence(self) -> str:
        """What a UI shows: the question, and which peer it is about."""
        if all(part in self.text for part in (self.address, self.fingerprint)):
            return self.text
        key = f" (key {self.fingerprint})" if self.fingerprint else ""
        return f"About {self.address}{key}: {self.text}"


class Asks(EventSink, Protocol):
    """What the queue needs from a UI."""

    async def answer(self, question: Question) -> str | None: ...


class QuestionQueue:
    """All questions for the person at one UI. To withdraw a question, cancel `ask`."""

    def __init__(self, ui: Asks) -> None:
        self._ui = ui
        self._numbers = count(1)
        self._turn = asyncio.Lock()  # fair: questions are asked in the order in which they came

    async def ask(self, text: str, otherwise: str = "", *, address: str = "", fingerprint: str = "") -> bool:
        """Wait for the question's turn, then for yes or no. The end of input means no. Raises UnknownPeer if nobody answers."""
        question = Question(next(self._numbers), text, otherwise, address, fingerprint)
        async with self._turn:
            for _ in range(TRIES):
                line = await self._ui.answer(question)
                if line is None:
                    return False
                if not isinstance(line, str):
                    break
                if (answer := ANSWERS.get(line.strip().lower())) is not None:
                    return answer
                notify(self._ui, HINT, "yes-or-no")
                await asyncio.sleep(0)  # a UI that answers at once must not block the event loop
        raise UnknownPeer(f"{question.text} Nobody answered.", otherwise)
