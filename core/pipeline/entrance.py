"""How a client gets in once both sides hold the same keys, and how it learns why not."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from plytalk.core.contracts.errors import Busy, ChatError, HandshakeFailed, Refused, Tampered, TooSlow
from plytalk.core.contracts.items import Close, CloseReason, Empty
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO
from plytalk.core.pipeline.sealed_channel import SealedChannel


class Entrance:
    """One side of the entrance. `can_answer` says whether the messages carry `Empty`, with which a side can show that it is
    there.
    """

    def __init__(self, stream: Stream, role: Role, limits: Limits, can_answer: bool) -> None:
        self._stream, self._role, self._limits, self._can_answer = stream, role, limits, can_answer

    def show_refusal(self) -> None:
        """Let a client that cannot be told the reason at least see that nothing it said was received."""
        if self._role is Role.RESPONDER and not self._can_answer:
            self._stream.reset()

    async def prove_presence(self, channel: SealedChannel) -> None:
        """Exchange the client's first record if its handshake alone could be a recording. Raises HandshakeFailed."""
        if self._role is Role.INITIATOR:
            if self._can_answer:
                await channel.say(Empty())
            return
        limits = self._limits
        try:  # one that cannot say nothing proves itself by what its user says
            async with asyncio.timeout(limits.handshake if self._can_answer else limits.person):
                await channel.hear(limits.message + channel.overhead)
        except TimeoutError:
            raise TooSlow("The other side did not prove in time that it is there: its handshake may be a recording.") from None
        except Tampered as error:
            raise HandshakeFailed("The other side's first record does not decrypt: its handshake may be a recording.") from error

    async def let_in(self, channel: SealedChannel, say: Callable[[str], None], agreed: bool) -> None:
        """Let the client in, or as the client wait for that. `agreed` says that there is a pre-shared key."""
        if self._role is Role.RESPONDER:
            await channel.say(Empty())
        else:
            await self._be_let_in(channel, say, " Perhaps the two sides do not have the same secret." if agreed else "")

    async def _be_let_in(self, channel: SealedChannel, say: Callable[[str], None], guess: str) -> None:
        """Wait for the server's first record. Raises what the server says against it, and HandshakeFailed."""
        try:
            try:
                async with asyncio.timeout(self._limits.handshake):
                    return await channel.hear()
            except TimeoutError:
                say("The server has not let you in yet: perhaps a person there is asked. Waiting.")
            async with asyncio.timeout(self._limits.person):
                await channel.hear()
        except TimeoutError:
            raise TooSlow("The server neither let you in nor refused you.", "Try again later.") from None
        except Tampered as error:
            raise HandshakeFailed("The server's first record does not decrypt: it was changed in transit.") from error
        except HandshakeFailed as error:
            if not channel.over or isinstance(error, Refused | Busy):
                raise
            raise HandshakeFailed(
                f"The server closed the connection instead of letting you in.{guess}", "Ask its owner what it says about you."
            ) from error

    async def say_why(self, channel: SealedChannel, io: FrameHandshakeIO, refusal: ChatError) -> None:
        """Tell a client that is not let in why, and give it a moment to read that."""
        reason = CloseReason.BUSY if isinstance(refusal, Busy) else CloseReason.REFUSED
        told = refusal.told if isinstance(refusal, HandshakeFailed) else Refused().told
        with suppress(TimeoutError, ChatError):
            async with asyncio.timeout(self._limits.goodbye):
                await channel.say(Close(reason=reason, sentence=told))
                self._stream.finish()
                await io.closed()
