"""Questions to this side's user about the other side's key, withdrawn when the answer is of no more use."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from plytalk.core.contracts.blame import blaming
from plytalk.core.contracts.errors import HandshakeFailed, Withdrawn
from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.ui import Ui
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO
from plytalk.core.pipeline.step_timer import StepTimer

T = TypeVar("T")
NOT_WAITING = "The server no longer waits for your answer: if it is yes, this side connects again."
TOO_EARLY = "The other side sent too much while you were asked about it, so the question is withdrawn."

IsThere = Callable[[], Coroutine[Any, Any, bool]]
"""Whether a server can be connected to."""


class UserQuestions:
    """What the authenticators ask and tell the user about one peer."""

    def __init__(
        self, ui: Ui, address: str, timer: StepTimer, notice: Callable[[str], None], is_there: IsThere | None = None
    ) -> None:
        self._ui, self._address, self._timer, self._notice, self._is_there = ui, address, timer, notice, is_there
        self._io: FrameHandshakeIO | None = None
        self._verifying = False
        self.approved = False
        """Whether the user was asked about the other side's key and said yes, which may take longer than a server waits."""

    def watch(self, io: FrameHandshakeIO) -> None:
        """From now on, withdraw questions when the other side is gone."""
        self._io = io

    def begin_verifying(self) -> None:
        """Note that from now on, a failure is not due to the user's thinking time."""
        self.approved, self._verifying = False, True

    def forget(self) -> None:
        self._io = None

    def say(self, sentence: str) -> None:
        self._notice(clean(sentence))

    async def confirm(self, identity: Identity, question: str, otherwise: str) -> bool:
        """Whether the user says yes. Raises HandshakeFailed where the question is withdrawn."""
        about = {"address": clean(self._address), "fingerprint": identity.fingerprint}
        with self._timer.pause():
            asking = asyncio.ensure_future(self._ask(clean(question), clean(otherwise), **about))
            try:
                self.approved = await self._unless_gone(asking)
            finally:
                await _cancelled(asking)
            return self.approved

    async def _ask(self, question: str, otherwise: str, **about: str) -> bool:
        with blaming(self._ui):  # out of a task, SystemExit would end the loop
            return await self._ui.question_queue.ask(question, otherwise, **about)

    async def _unless_gone(self, asking: "asyncio.Future[bool]") -> bool:
        """The answer. Raises HandshakeFailed when the other side disconnects first, which withdraws the question.

        A client's answer about a key that it meets is of use as long as the server is there, since it connects again.
        """
        assert self._io is not None
        io = self._io
        await _first(asking, io.wait_for_end(may_talk=not self._verifying))
        if asking.done():
            return asking.result()
        if self._is_there and not self._verifying:
            if await _first(asking, self._is_there()):
                self.say(NOT_WAITING)
                return await asking
            if asking.done():
                return asking.result()
        raise Withdrawn if io.over else Withdrawn(TOO_EARLY)

    def check_presence(self) -> None:
        """Raises HandshakeFailed where the user has said yes to a peer that is gone: that counts, but not for this connection."""
        if self.approved and self._io and self._io.over:
            raise HandshakeFailed("The other side closed the connection while you were asked about it.", "Connect again.")


async def _first(asking: "asyncio.Future[bool]", other: Coroutine[Any, Any, T]) -> T | None:
    """What `other` comes to, or None if the question is answered first."""
    task = asyncio.ensure_future(other)
    try:
        await asyncio.wait((asking, task), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        await _cancelled(task)


async def _cancelled(task: "asyncio.Future[Any]") -> None:
    """Cancel it and wait until it has ended."""
    task.cancel()
    await asyncio.wait((task,))
