"""The attacker's own connection: one role of a conversation, with the layers of the stack, under the attacker's keys."""

from collections.abc import Awaitable, Callable, Sequence
from copy import copy
from enum import Enum

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.handshake import HandshakeIO, NegotiatingIO
from plytalk.core.contracts.items import Close, Empty, Item
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.sealed_count import count_by_cipher
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import MESSAGE, FrameHandshakeIO
from plytalk.core.pipeline.sealed_channel import SealedChannel
from plytalk.core.pipeline.tracing import Tracer
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.stepped_handshake import DecideStep, SteppedHandshakeIO

NO_LIMIT = 2**24


class Progress(Enum):
    """The state of a connection of the attacker."""

    CONNECTED = "connected"
    HANDSHAKE_DONE = "handshake done"
    OPENED = "opened"


class StackConnection:
    """The attacker in `role`, over `stream`; `closed` is called with the other role when the other side closes.

    `heard` and `told` count the records that came and went; `said_goodbye` is whether one that came was a goodbye. `review` may
    make something else of what it hears. `io` is what a handshake talks through; `step` puts another in its place.
    """

    def __init__(
        self,
        stack: Stack,
        stream: Stream,
        role: Role,
        closed: Callable[[Role], None] = lambda role: None,
        tracer: Tracer | None = None,
    ) -> None:
        self.stream = stream
        self._stack, self._role, self._closed, self._tracer = stack, role, closed, tracer
        self._framer, self.messages = stack.framer(), stack.messages()
        make_io: Callable[..., FrameHandshakeIO] = FrameHandshakeIO
        if tracer:
            self._framer = tracer.wrap_framer(self._framer)
            self.messages = tracer.wrap_messages(self.messages, stack.features)
            make_io = tracer.handshake_io(stack.handshake)
        self._auths = [copy(auth) for auth in stack.auths]  # a secret that one connection uses up is there for the next
        if tracer:
            self._auths = list(map(tracer.wrap_authenticator, self._auths))
        agreement = next((auth.agrees for auth in self._auths if auth.agrees), "")
        self._io = make_io(self._framer, stream, self._keep_identity, self._agree, agreement)
        self.io: NegotiatingIO = self._io
        self.identity: Identity | None = None
        self.progress = Progress.CONNECTED
        self.heard = self.told = 0
        self.said_goodbye = False
        self.narrate: Callable[[str, bytes], None] = lambda sentence, data: None
        self.review: Callable[[Sequence[Item]], Awaitable[list[Item]]] | None = None
        self.cipher: Cipher
        self.channel: SealedChannel
        stream.deliver_to(self._io.feed, self._ended)

    async def _keep_identity(self, identity: Identity) -> None:
        self.identity = identity

    async def _agree(self, io: HandshakeIO) -> bytes:
        return await next(auth for auth in self._auths if auth.agrees).agree(io, self._role)

    def _ended(self, error: Exception | None) -> None:
        self._io.ended(error)
        self._closed(self._role.other)

    def step(self, hold: DecideStep) -> None:
        """Let `hold` decide about each message of the handshake. Called before the handshake begins."""
        self.io = SteppedHandshakeIO(self._io, self._agree, hold)

    async def open(self) -> SessionSecrets:
        """Do the handshake and answer the other side's authenticators. Raises ChatError."""
        secrets = await self.shake_hands()
        if self._stack.handshake.first_record_proves:
            await (self.channel.say(Empty()) if self._role is Role.INITIATOR else self.channel.hear())
        for auth in sorted(self._auths, key=lambda auth: auth.name):
            if self.identity:
                await auth.verify(self.channel, Peer(self._role, "", self.identity, _say_yes, secrets.binding(auth.name)))
        if self._io.answers:
            await (self.channel.hear() if self._role is Role.INITIATOR else self.channel.say(Empty()))
        self.progress = Progress.OPENED
        return secrets

    async def shake_hands(self) -> SessionSecrets:
        """Do the handshake alone. Raises ChatError."""
        handshake = self._stack.handshake
        secrets = await (handshake.initiate if self._role is Role.INITIATOR else handshake.respond)(self.io)
        if self._tracer:
            self._tracer.tell_keys(secrets, self._role)
        self.cipher = self._stack.cipher(secrets, self._role)
        count_by_cipher(self.messages, self.cipher)
        if self._tracer:
            self.cipher = self._tracer.wrap_cipher(self.cipher)
        self.channel = SealedChannel(self._io, self.cipher, self.messages)
        self.progress = Progress.HANDSHAKE_DONE
        self.narrate(f"the attacker finished a handshake with the {self._role.other.value}", b"")
        return secrets

    def say(self, *items: Item) -> None:
        """Pack, seal and send items."""
        for plaintext in self.messages.pack(list(items)):
            sealed = self.cipher.seal(plaintext)
            self.narrate(f"the attacker sealed this for the {self._role.other.value}", sealed)
            self.stream.send(self._framer.encode(MESSAGE, sealed))
            self.told += 1

    async def hear(self) -> list[Item]:
        """The items of the next record. Raises ChatError."""
        sealed = await self._io.receive(MESSAGE, NO_LIMIT)
        self.narrate(f"the {self._role.other.value} sent the attacker a frame", sealed)
        plaintext = self.cipher.open(sealed)
        self.narrate("the attacker opened it with the key it had agreed on", plaintext)
        items = list(self.messages.unpack(plaintext))
        self.heard += 1
        self.said_goodbye = self.said_goodbye or any(isinstance(item, Close) for item in items)
        return await self.review(items) if self.review else items

    @property
    def agrees(self) -> bool:
        """Whether an authenticator needs a secret, which the attacker does not know."""
        return bool(self._io.agreement)


async def _say_yes(question: str, otherwise: str) -> bool:
    return True
