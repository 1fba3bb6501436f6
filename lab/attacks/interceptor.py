"""The attacker between a client and a server: it cuts each stream into frames, and passes them to the attack.

It uses the stack's own framer, so it understands whatever the two sides speak, third-party layers included.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from plytalk.core.contracts.attack import Attack, InterceptedFrame
from plytalk.core.contracts.blame import fault_of_attack
from plytalk.core.contracts.errors import CannotConnect, ChatError, LocalError
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.layer import Buffer, FrameKind
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.pipeline.tracing import IN, OUT, Trace, Tracer
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attacker_connection import NO_LIMIT, StackConnection
from plytalk.lab.attacks.narrative import Narrative


class HandshakeStep(NamedTuple):
    """A frame that a participant sends before it may talk: a message of the handshake or of the authenticator `speaker`, by its
    name. A sealed record has no name.
    """

    name: str = ""
    speaker: str = ""


HandshakeSteps = Mapping[Role, Sequence[HandshakeStep]]


class AttackTracing:
    """Traces the `number`-th attacked conversation: what passes between the attacker and each side, and what the attack did."""

    def __init__(self, trace: Trace, number: int = 0) -> None:
        self._trace, self._number = trace, number
        self._own = Tracer(trace, f"attacker {number}")
        self._started: list[Tracer] = []

    def start(self, stack: Stack, stream: Stream, participant: Role, name: str = "") -> Tracer:
        """What traces the attacker's conversation with a participant, over this stream."""
        tracer = Tracer(self._trace, f"{name or participant.value} {self._number}")
        tracer.tell_start(stack, participant.other, stream.peer, attacked=participant.value)
        self._started.append(tracer)
        return tracer

    def log(self, line: str) -> None:
        self._own.tell("attack", line)

    def end(self) -> None:
        for tracer in (*self._started, self._own):
            tracer.tell("ended", "Both ends are gone.")


class Access:
    """What an attacker can reach in addition to the conversation that it attacks: here nothing."""

    async def connect(self, keys_of: Role, leaked: bool) -> Stream:
        """A new stream to a server with the keys of this role, or with a copy of its files. Raises CannotConnect."""
        raise CannotConnect("There is nobody else to connect to here.")

    async def leaked_stack(self, role: Role) -> Stack:
        """A participant's stack, made of the files that it left. Raises LocalError where nothing leaks."""
        raise LocalError("Keys leak only in `chat lab`.")


class FrameInterceptor:
    """Between the client and the server. `frames` and `captured` are what has passed, as frames and as bytes of each sender.

    `attacked` says since which frame a side was not sent just what the other side sent, `closings` in which order they closed,
    `cut_off` to whom the attacker closed the connection. `impersonations` are its connections to a side, where it poses as the
    other one.
    `by_hand` says that a user decides what becomes of each frame.
    """

    by_hand = False

    def __init__(
        self,
        stack: Stack,
        attack: Attack,
        streams: Mapping[Role, Stream],
        handshake_steps: HandshakeSteps,
        log: Callable[[str], None] = lambda line: None,
        closed: Callable[[Role], None] = lambda role: None,
        tracing: AttackTracing | None = None,
        access: Access | None = None,
    ) -> None:
        """`streams` lead to the participants; `handshake_steps` are the frames that each sends before it may talk; `closed`
        is called for each that closes, and `tracing` sees all that passes here.
        """
        self.stack, self.attack, self.streams = stack, attack, dict(streams)
        self._log, self._closed, self._tracing, self._access = log, closed, tracing, access or Access()
        self._handshake_steps = handshake_steps
        self._readers = {role: stack.framer() for role in Role}
        writers = {role: stack.framer() for role in Role}
        self._counts = dict.fromkeys(Role, 0)
        self._tracers: dict[Role, Tracer] = {}
        if tracing:
            for role, stream in streams.items():
                self._tracers[role] = tracer = tracing.start(stack, stream, role)
                self.streams[role] = tracer.wrap_stream(stream)
                self._readers[role], writers[role] = tracer.wrap_framer(self._readers[role]), tracer.wrap_framer(writers[role])
        self._encode = {role: writer.encode for role, writer in writers.items()}
        self.captured: dict[Role, bytearray] = {role: bytearray() for role in Role}
        self.frames: list[InterceptedFrame] = []
        self.taken_over = False
        self.fault = ""
        """The exception that the attack raised by mistake, and where."""
        self.attacked: dict[Role, int] = {}
        self.closings: list[Role] = []
        self.cut_off: set[Role] = set()
        self.impersonations: dict[Role, StackConnection] = {}
        self._sent: list[tuple[Role, FrameKind, bytes]] = []
        self.narrative = Narrative()

    async def start(self) -> None:
        """Start the attack, and pass on what comes unless the attack does."""
        self.taken_over = await self.attack.start(self)
        if not self.taken_over:
            for role in Role:
                self._readers[role].limit = NO_LIMIT
                self.streams[role].deliver_to(partial(self._feed, role), partial(self._ended, role))

    def stop(self) -> None:
        """The conversation is over."""

    def log(self, line: str) -> None:
        """Tell what the attack did."""
        if self._tracing:
            self._tracing.log(line)
        self.narrative.tell(f"the attacker {line}")
        self._log(line)

    # -- what comes ----------------------------------------------------------------------------------------------------------

    def _feed(self, sender: Role, data: Buffer) -> None:
        self.captured[sender] += data
        framer: Framer = self._readers[sender]
        framer.feed(data)
        try:
            for kind, payload in framer.frames():
                self._handle(self._numbered(sender, kind, payload))
        except ChatError:  # not this stack's frames: the participants have to say so
            self.streams[sender.other].send(bytes(data))

    def _numbered(self, sender: Role, kind: FrameKind | None, payload: bytes) -> InterceptedFrame:
        count, length = self._counts[sender], len(self._handshake_steps.get(sender, ()))
        self._counts[sender] = count + 1
        handshake = count < length
        return InterceptedFrame(sender, count if handshake else count - length, handshake, kind, payload)

    def _handle(self, frame: InterceptedFrame) -> None:
        self.pass_to_attack(frame, [frame.payload])

    def pass_to_attack(self, frame: InterceptedFrame, payloads: Sequence[bytes]) -> None:
        """Let the attack handle a received frame, once for each of these payloads, which replace its own."""
        self.frames.append(frame)
        self._trace_step(IN, frame.sender, frame)
        self._sent.clear()
        what = "handshake frame" if frame.handshake else "frame"
        self.narrative.tell(f"the {frame.sender.value} sent {what} {frame.index}", frame.payload)
        for payload in payloads:
            self._call(self.attack.handle_frame, replace(frame, payload=payload))
        self._compare((frame.sender.other, frame.kind or MESSAGE, frame.payload))

    def _compare(self, honest: tuple[Role, FrameKind, bytes]) -> None:
        """Note a side that did not get what an honest network would have delivered."""
        for to, _, payload in self._sent:
            if (to, payload) != (honest[0], honest[2]):
                self.narrative.tell(f"the {to.value} was sent this by the attacker", payload)
        for role in {one[0] for one in (honest, *self._sent)}:
            sent = [one for one in self._sent if one[0] is role]
            if sent != ([honest] if honest[0] is role else []):
                self.attacked.setdefault(role, len(self.frames))

    def _call(self, method: Callable[..., None], what: object) -> None:
        """Call a method of the attack. An exception that it raises by mistake ends both connections, and the outcome is an
        error.
        """
        try:
            method(self, what)
        except ChatError:
            raise
        except BaseException as error:
            let_through(error)
            self.fault = self.fault or fault_of_attack(error, self.attack)
            self.log(f"failed: {self.fault}")
            self.cut()

    def may_talk(self, role: Role) -> bool:
        """Whether a side has sent all of its handshake."""
        return self._counts[role] >= len(self._handshake_steps.get(role, ()))

    def _ended(self, sender: Role, error: Exception | None = None) -> None:
        self._note_end(sender)
        self._call(self.attack.handle_close, sender)

    def _note_end(self, sender: Role) -> None:
        if sender not in self.closings:
            self.closings.append(sender)
        self._closed(sender)

    def _trace_step(self, way: str, participant: Role, frame: InterceptedFrame) -> None:
        if not frame.handshake or participant not in self._tracers:
            return
        step = self._handshake_steps[frame.sender][frame.index]
        if step.name:
            self._tracers[participant].tell_named_step(way, self.stack, *step, frame.payload)

    # -- what an attack can do -----------------------------------------------------------------------------------------------

    def forward(self, frame: InterceptedFrame) -> None:
        """Let a frame pass unchanged."""
        self._trace_step(OUT, frame.sender.other, frame)
        self.send(frame.sender.other, frame.kind, frame.payload)

    def send(self, to: Role, kind: FrameKind | None, payload: bytes) -> None:
        """Send a frame of the attack's choice; without a kind, a message."""
        self._sent.append((to, kind or MESSAGE, payload))
        self.streams[to].send(self._encode[to](kind or MESSAGE, payload))

    def send_raw(self, to: Role, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self._sent.append((to, b"", data))
        self.streams[to].send(data)

    def encode(self, kind: FrameKind | None, payload: bytes) -> bytes:
        """The bytes of a frame."""
        return self.stack.framer().encode(kind or MESSAGE, payload)

    def close(self, to: Role) -> None:
        """Close the connection to one participant, as if the other had closed it."""
        if to.other not in self.closings:
            self.attacked.setdefault(to, len(self.frames))
            self.cut_off.add(to)
        self.streams[to].finish()

    def cut(self) -> None:
        """Close the connections to both."""
        for role in Role:
            self.close(role)

    async def connect(self, keys_of: Role = Role.RESPONDER, leaked: bool = False) -> Stream:
        """A new stream to the server; in the lab also to a server that holds the client's keys, or a copy of its files.

        Raises CannotConnect.
        """
        return await self._access.connect(keys_of, leaked)

    async def impersonate(self, role: Role, stream: Stream | None = None, leaked: bool = False) -> StackConnection:
        """Take a role: over `stream`, or in place of the participant that has it. The handshake is still to be done.

        `leaked`: with the files of the participant that has this role. Raises LocalError outside the lab, where nothing leaks.
        """
        stack = await self._access.leaked_stack(role) if leaked else self.stack
        if stream:
            return StackConnection(stack, stream, role)
        stream, tracer = self.streams[role.other], self._tracers.get(role.other)
        connection = StackConnection(stack, stream, role, self._note_end, tracer)
        connection.narrate = self.narrative.tell
        self.impersonations[role.other] = connection
        return connection

    async def impersonate_both(self) -> tuple[StackConnection, StackConnection]:
        """Connections to the client and to the server, opened, each in the role of the other. Raises ChatError."""
        to_client, to_server = await self.impersonate(Role.RESPONDER), await self.impersonate(Role.INITIATOR)
        async with asyncio.TaskGroup() as both:
            both.create_task(to_client.open())
            both.create_task(to_server.open())
        return to_client, to_server
