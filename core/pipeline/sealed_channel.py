"""What authenticators talk through, once both sides hold keys: items, sealed, in frames of the handshake."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext

from plytalk.core.contracts.blame import BYTES, returned
from plytalk.core.contracts.checked_calls import checked
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.endings import ending_by_peer
from plytalk.core.contracts.errors import ChatError, HandshakeFailed, Refused, Tampered, WrongSecret
from plytalk.core.contracts.items import Close, Control, Item
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.peers import Reply, Role
from plytalk.core.pipeline.handshake_io import MAX_RECORD, MESSAGE, FrameHandshakeIO


def _refusal_in(goodbye: Close) -> ChatError:
    ending = ending_by_peer(goodbye)
    return ending.error or HandshakeFailed(f"The other side ended the conversation: {ending.reason}", "Try again later.")


class SealedChannel:
    """The authenticators' `Channel`, and what lets a client in.

    `thinking()` is a context in which the clock gives the other side's person time.
    """

    def __init__(
        self,
        io: FrameHandshakeIO,
        cipher: Cipher,
        messages: Messages,
        thinking: Callable[[], AbstractContextManager[None]] = nullcontext,
        role: Role = Role.INITIATOR,
    ) -> None:
        self._io, self._cipher, self._messages, self._thinking, self._role = io, cipher, messages, thinking, role
        self.items: list[Item] = []
        """What the other side has said that nobody here has taken yet."""

    @property
    def over(self) -> bool:
        """Whether the other side has closed."""
        return self._io.over

    @property
    def overhead(self) -> int:
        """Bytes that sealing adds, at most."""
        return self._cipher.overhead

    def send(self, body: bytes) -> Reply[None]:
        return Reply(self._send, body)

    def receive(self, person: bool = False) -> Reply[bytes]:
        return Reply(self._receive, person)

    def prove(self, binding: bytes) -> Reply[None]:
        return Reply(self._prove, binding)

    async def say(self, item: Item) -> None:
        """Send one item in its own record."""
        for plaintext in checked(self._messages, "pack", Iterable, [item]):
            if not isinstance(plaintext, BYTES):
                raise returned(self._messages, "pack", plaintext)
            await self._io.send(MESSAGE, checked(self._cipher, "seal", BYTES, plaintext))

    async def hear(self, limit: int = MAX_RECORD) -> None:
        """Wait for the next record, and keep what it says in `items`. Raises Tampered, and what the peer's goodbye says."""
        sealed = await self._io.receive(MESSAGE, limit)
        self.items += checked(self._messages, "unpack", Iterable, checked(self._cipher, "open", BYTES, sealed))
        if goodbyes := [item for item in self.items if isinstance(item, Close)]:
            raise _refusal_in(goodbyes[0] if self._role is Role.INITIATOR else Close())  # only a server says why

    async def _send(self, body: bytes) -> None:
        await self.say(Control(body))

    async def _prove(self, binding: bytes) -> None:
        await self._send(binding)
        try:
            theirs = await self._receive()
        except Refused:
            raise
        except HandshakeFailed as error:  # a client that cannot read our last message closes the connection
            if not self._io.over:
                raise
            raise WrongSecret(
                "The other side hung up: it does not know the same secret, or it refused this side's key."
            ) from error
        if theirs != binding:
            raise WrongSecret

    async def _receive(self, person: bool = False) -> bytes:
        try:
            if not self.items:
                with self._thinking() if person else nullcontext():
                    await self.hear()
        except Tampered:
            raise WrongSecret from None
        items, self.items = self.items, []
        match items:
            case [Control(body)]:
                return body
        raise HandshakeFailed("The other side began to talk before both sides had agreed that they may.")
