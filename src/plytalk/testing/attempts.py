"""A handshake between two ends, again and again, with somebody on the line who may cut, change, withhold and add.

The ends see each other's frames only through the man in the middle, who knows the kit's own framers well enough to change a
payload and leave the frame whole.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.errors import Refused
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.peers import Identity, Reply, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.io.memory_stream import Cut, MemoryStream, memory_stream_pair
from plytalk.core.pipeline.handshake_io import MESSAGE, FrameHandshakeIO
from plytalk.testing.cutting import whole
from plytalk.testing.verdict import demand, within

Replace = Callable[[HeaderFramer, FrameKind, bytes], bytes]
"""The bytes that go on instead of a frame, given its framer, kind and payload."""

Edit = Callable[[Role, int, HeaderFramer, FrameKind, bytes], bytes | None]
"""The bytes that go on instead of a frame, given its sender, number, framer, kind and payload; None for the frame as it is."""

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER
PROVEN = Identity("proven", bytes(range(32)))
"""What the transport has proven, for a handshake that needs that."""


class Judge(FrameHandshakeIO):
    """A wire that notes what the handshake asks of it, and says yes or no to keys."""

    def __init__(self, framer: HeaderFramer, stream: MemoryStream, refuse: bool) -> None:
        super().__init__(framer, stream, self._judge)
        self.framer, self.stream, self._refuse = framer, stream, refuse
        self.asked: list[Identity] = []
        self.sent_after_no = 0
        self.sent_before_asking = False
        self._sent_since = False
        self.limits: list[int] = []

    async def _judge(self, identity: Identity) -> None:
        self.asked.append(identity)
        self.sent_before_asking |= self._sent_since
        if self._refuse:
            raise Refused("no")

    async def _send(self, kind: FrameKind, payload: bytes) -> None:
        self.sent_after_no += self._refuse and bool(self.asked)
        self._sent_since = True
        await super()._send(kind, payload)

    def receive(self, kind: FrameKind, limit: int) -> Reply[bytes]:
        self.limits.append(limit)
        self._sent_since = False
        return super().receive(kind, limit)


@dataclass(frozen=True)
class Change:
    """What somebody on the line does to one frame. `fatal` names what no receiver may take for a success."""

    replace: Replace
    fatal: str = ""
    ends: bool = False


@dataclass
class Course:
    """How one attempt went: what came of it at each end, and what each end sent, frame by frame."""

    wires: dict[Role, Judge]
    results: dict[Role, SessionSecrets | BaseException] = field(default_factory=dict)
    frames: dict[Role, list[tuple[FrameKind, bytes]]] = field(default_factory=lambda: {CLIENT: [], SERVER: []})

    @property
    def secrets(self) -> tuple[SessionSecrets, SessionSecrets]:
        """What both ends were left with. Raises AssertionError where an end failed."""
        for role, result in self.results.items():
            if isinstance(result, BaseException):
                what = f"{type(result).__name__}: {str(result).rstrip('.')}"
                raise AssertionError(f"An undisturbed handshake fails at the {role.value}, which raises {what}.") from result
        client, server = self.results[CLIENT], self.results[SERVER]
        for role, result in self.results.items():
            said = f"At the {role.value} the handshake returns {result!r:.40}, which is not a SessionSecrets."
            demand(isinstance(result, SessionSecrets), said)
        return cast(SessionSecrets, client), cast(SessionSecrets, server)


class Attempts:
    """Runs a handshake again and again, each time with another mishap on the line."""

    def __init__(
        self, client: Handshake, server: Handshake, framer: Callable[[], HeaderFramer], patience: float | None = None
    ) -> None:
        """`patience`: how long one attempt may take, in seconds; by default as long as `verdict.PATIENCE` says."""
        self.ends = {CLIENT: client, SERVER: server}
        self._framer, self._patience = framer, patience

    async def once(
        self,
        cut: Cut = whole,
        change: Change | None = None,
        sender: Role = CLIENT,
        index: int = 0,
        no: Role | None = None,
        edit: Edit | None = None,
    ) -> Course:
        """One attempt; `change` is applied to the frame `index` of `sender`, `edit` to every frame, and the end `no` refuses the
        key it is shown.
        """
        streams: dict[Role, MemoryStream] = {}
        course = Course({})

        def link(role: Role) -> Cut:
            reader = self._framer()
            reader.limit = 2**24

            def carry(data: bytes) -> list[bytes]:
                reader.feed(data)
                for kind, payload in reader.frames():
                    course.frames[role].append((kind or MESSAGE, payload))
                    if change and role is sender and len(course.frames[role]) == index + 1:
                        data = change.replace(self._framer(), kind or MESSAGE, payload)
                        if change.ends:
                            streams[role].finish()
                    edited = edit(role, len(course.frames[role]) - 1, self._framer(), kind or MESSAGE, payload) if edit else None
                    data = data if edited is None else edited
                return cut(data) if data else []

            return carry

        streams[CLIENT], streams[SERVER] = memory_stream_pair(link(CLIENT), link(SERVER))
        for role, stream in streams.items():
            course.wires[role] = io = Judge(self._framer(), stream, no is role)
            io.proven = PROVEN if Property.PEER_KEY in self.ends[role].needs else None
            stream.deliver_to(io.feed, io.ended)
        await within(
            asyncio.gather(*(self._talk(role, course) for role in streams)),
            "The handshake never ends, although all was said: `await` each `send`, `receive` and `ask`, `receive` only what the "
            "other side sends, and let its errors pass.",
            self._patience,
        )
        for stream in streams.values():
            stream.close()
        return course

    async def _talk(self, role: Role, course: Course) -> None:
        io = course.wires[role]
        try:
            course.results[role] = await self.start(role, io)
        except Exception as error:
            course.results[role] = error
            io.stream.close()
        else:
            io.stream.send(io.framer.encode(MESSAGE, b"said at once by the " + role.value.encode()))

    def start(self, role: Role, io: HandshakeIO) -> asyncio.Task[SessionSecrets]:
        talk = self.ends[role].initiate if role is CLIENT else self.ends[role].respond
        return asyncio.ensure_future(talk(io))
