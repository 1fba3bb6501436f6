"""The place between two ends: frames, by order and by the end that sent them, for an attack to play with.

It reads the stream with the stack's own framer, so it understands whatever the two ends speak, a stranger's layers included.
"""

import asyncio
from collections.abc import Callable, Mapping
from copy import copy
from functools import partial

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import CannotConnect, ChatError, LocalError
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.items import Empty
from plytalk.core.contracts.layer import Buffer, Kind
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import MESSAGE, FrameHandshakeIO, SealedChannel
from plytalk.core.pipeline.tracing import IN, OUT, Trace, Tracer
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Passing

NO_LIMIT = 2**24


class Tracing:
    """Traces one attacked conversation, the `number`-th: what passes between the attacker and each end, and what it did."""

    def __init__(self, trace: Trace, number: int = 0) -> None:
        self._trace, self._number = trace, number
        self._own = Tracer(trace, f"attacker {number}")

    def of(self, stack: Stack, stream: Stream, end: Role, name: str = "") -> Tracer:
        """Trace the attacker's stream to one end, which takes it for the other end."""
        tracer = Tracer(self._trace, f"{name or end.value} {self._number}")
        tracer.tell("started", role=end.other.value, peer=stream.peer, **stack.names)
        tracer.wrap_stream(stream)
        return tracer

    def heard(self, log: Callable[[str], None]) -> Callable[[str], None]:
        """A log that the trace hears as well."""

        def heard(line: str) -> None:
            self._own.tell("attack", line)
            log(line)

        return heard

    def over(self) -> None:
        self._own.tell("ended", "Both ends are gone.")


class Leg:
    """The attacker's own conversation with one end, when it takes over: the stack's layers, under the attacker's own keys."""

    def __init__(
        self, stack: Stack, stream: Stream, role: Role, ended: Callable[[Role], None], tracer: Tracer | None = None
    ) -> None:
        self._stack, self._stream, self._role, self._over, self._tracer = stack, stream, role, ended, tracer
        self._framer = stack.framer()
        self._auths = [copy(auth) for auth in stack.auths]  # a secret that one leg uses up is there for the other
        agreement = next((auth.agrees for auth in self._auths if auth.agrees), "")
        self.io = FrameHandshakeIO(self._framer, stream, self._seen, self._agree, agreement)
        self.identity: Identity | None = None
        self.messages = stack.messages()
        if tracer:
            tracer.wrap_framer(self._framer)
            tracer.wrap_wire(self.io, stack.handshake)
            tracer.wrap_messages(self.messages)
        self.cipher: Cipher
        self.channel: SealedChannel
        stream.deliver_to(self.io.feed, self._ended)

    async def _seen(self, identity: Identity) -> None:
        self.identity = identity

    async def _agree(self, io: HandshakeIO) -> bytes:
        return await next(auth for auth in self._auths if auth.agrees).agree(io, self._role)

    async def open(self) -> SessionSecrets:
        """Do the handshake in this role, and go along with what the end's authenticators want to hear. Raises ChatError."""
        secrets = await self.shake()
        if self._stack.handshake.first_record_proves:
            await (self.channel.say(Empty()) if self._role is Role.INITIATOR else self.channel.hear())
        for auth in sorted(self._auths, key=lambda auth: auth.name):
            if self.identity:
                await auth.verify(self.channel, Peer(self._role, "", self.identity, _yes, secrets.binding(auth.name)))
        if self.io.answers:
            await (self.channel.hear() if self._role is Role.INITIATOR else self.channel.say(Empty()))
        return secrets

    async def shake(self) -> SessionSecrets:
        """The handshake alone. Raises ChatError."""
        handshake = self._stack.handshake
        talk = handshake.initiate if self._role is Role.INITIATOR else handshake.respond
        secrets = await talk(self.io)
        if self._tracer:
            self._tracer.tell_keys(secrets, self._role)
        self.cipher = self._stack.cipher(secrets, self._role)
        if self._tracer:
            self._tracer.wrap_cipher(self.cipher)
        self.channel = SealedChannel(self.io, self.cipher, self.messages)
        return secrets

    def _ended(self, error: Exception | None) -> None:
        self.io.ended(error)
        self._over(self._role.other)

    async def receive(self) -> bytes:
        """The next sealed message. Raises ChatError when the end is gone."""
        return await self.io.receive(MESSAGE, NO_LIMIT)

    def send(self, plaintext: bytes) -> None:
        self._stream.send(self._framer.encode(MESSAGE, self.cipher.seal(plaintext)))


async def _yes(question: str, otherwise: str) -> bool:
    return True


class Interceptor:
    """Between the client and the server. `captured` holds all that passed, by the end that sent it; `log` what the attack did."""

    def __init__(
        self,
        stack: Stack,
        attack: Attack,
        streams: Mapping[Role, Stream],
        preludes: Mapping[Role, int],
        log: Callable[[str], None] = lambda line: None,
        ended: Callable[[Role], None] = lambda role: None,
        tracing: "Tracing | None" = None,
    ) -> None:
        """`streams` lead to each end; `preludes` count the frames that each end sends before it may talk; `ended` hears of each
        end that closes, and `tracing` of all that passes here.
        """
        self.stack, self.attack, self.streams, self.log, self._over = stack, attack, streams, log, ended
        self._preludes = preludes
        self._framers = {role: stack.framer() for role in Role}
        self._counts = dict.fromkeys(Role, 0)
        writers = {role: stack.framer() for role in Role}
        self._tracers: dict[Role, Tracer] = {}
        if tracing:
            self.log = tracing.heard(log)
            for role, stream in streams.items():
                self._tracers[role] = tracer = tracing.of(stack, stream, role)
                tracer.wrap_framer(self._framers[role])
                tracer.wrap_framer(writers[role])
        self._encode = {role: writer.encode for role, writer in writers.items()}
        self.captured: dict[Role, bytearray] = {role: bytearray() for role in Role}
        self.frames: list[Passing] = []
        self.taken_over = False

    async def meet(self, whose: Role = Role.RESPONDER, stack: Stack | None = None) -> Stream:
        """A new connection to the server; in the lab also to one with the client's keys, or with another stack.

        Raises CannotConnect.
        """
        raise CannotConnect("There is nobody else to connect to here.")

    async def leaked(self, role: Role) -> Stack:
        """An end's stack, made of the files it left. Raises LocalError outside the lab, where nothing leaks."""
        raise LocalError("Keys leak in `chat lab` alone.")

    async def start(self) -> None:
        """Let it begin."""
        self.taken_over = await self.attack.between(self)
        if not self.taken_over:
            for role in Role:
                self._framers[role].limit = NO_LIMIT
                self.streams[role].deliver_to(partial(self._feed, role), partial(self._ended, role))

    def _feed(self, sender: Role, data: Buffer) -> None:
        self.captured[sender] += data
        framer: Framer = self._framers[sender]
        framer.feed(data)
        try:
            for kind, payload in framer.frames():
                count, prelude = self._counts[sender], self._preludes.get(sender, 0)
                self._counts[sender] = count + 1
                handshake = count < prelude
                passing = Passing(sender, count if handshake else count - prelude, handshake, kind, payload)
                self.frames.append(passing)
                self._trace_step(IN, sender, passing)
                self.attack.frame(self, passing)
        except ChatError:  # not this stack's frames: the ends will have to say so
            self.streams[sender.other].send(bytes(data))

    def _ended(self, sender: Role, error: Exception | None) -> None:
        self.attack.end(self, sender)
        self._over(sender)

    def forward(self, passing: Passing) -> None:
        """Let a frame pass as it came."""
        self._trace_step(OUT, passing.sender.other, passing)
        self.send(passing.sender.other, passing.kind or MESSAGE, passing.payload)

    def _trace_step(self, way: str, end: Role, passing: Passing) -> None:
        if not passing.handshake or end not in self._tracers:
            return
        if passing.kind is None:  # the framer tells no kinds
            self._tracers[end].tell_nameless_step(way, passing.index, passing.payload)
        else:
            self._tracers[end].tell_step(way, self.stack.handshake, passing.kind, passing.payload)

    def send(self, to: Role, kind: Kind, payload: bytes) -> None:
        """Send a frame of the attacker's choice to one end."""
        self.streams[to].send(self._encode[to](kind, payload))

    def encode(self, kind: Kind, payload: bytes) -> bytes:
        """The bytes of a frame."""
        return self.stack.framer().encode(kind, payload)

    def send_raw(self, to: Role, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self.streams[to].send(data)

    def close(self, to: Role) -> None:
        """Close the connection to one end, as if the other had."""
        self.streams[to].finish()

    def cut(self) -> None:
        """Close both connections at once."""
        for role in Role:
            self.streams[role].finish()

    def leg(self, role: Role, stack: Stack | None = None) -> Leg:
        """The attacker in this role, towards the other: its handshake is still to be done."""
        return Leg(stack or self.stack, self.streams[role.other], role, self._over, self._tracers.get(role.other))

    async def pose(self, stack: Stack) -> tuple[Leg, Leg]:
        """Pose as the server to the client and as the client to the server, with the layers of `stack` as the attacker's own.

        Gives the legs to the client and to the server. Raises ChatError where one of them refuses.
        """
        to_client, to_server = self.leg(Role.RESPONDER, stack), self.leg(Role.INITIATOR, stack)
        async with asyncio.TaskGroup() as both:
            both.create_task(to_client.open())
            both.create_task(to_server.open())
        return to_client, to_server
