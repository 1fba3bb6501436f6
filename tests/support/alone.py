"""A conversation whose peer is bare bytes."""

from collections.abc import Iterable, Sequence
from typing import Any

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.items import Ack, Close, Extension, Item
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import MemoryStream
from plytalk.core.pipeline.connection import Connection
from plytalk.testing import RecordingUi, TypedFrames, stack_of
from plytalk.testing.parts import PlainWords
from plytalk.testing.transports import Receiver


class Silent(Handshake):
    """Nothing is agreed on."""

    name = "silent"

    async def initiate(self, io) -> SessionSecrets:
        return SessionSecrets.none()

    respond = initiate


class Items(PlainWords):
    """Has items of all types."""

    name = "items"
    extensible = True

    def pack(self, items: Sequence[Item]) -> Iterable[bytes]:
        for item in items:
            match item:
                case Extension(kind, body):
                    yield b"+%d %s" % (kind, body)
                case Ack(taken):
                    yield b"=%d" % taken
                case Close():
                    yield b"exit"
                case _:
                    yield str(item).encode()

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        sign, rest = plaintext[:1], plaintext[1:]
        if sign == b"+":
            kind, _, body = rest.partition(b" ")
            return [Extension(int(kind), body)]
        return [Ack(int(rest))] if sign == b"=" else super().unpack(plaintext)


class Alone:
    """A session, and its peer as bare bytes."""

    def __init__(
        self,
        *layers: type[Layer],
        limits: Limits | None = None,
        stream: type[MemoryStream] = MemoryStream,
        make_chat: Any = DirectChat,
    ) -> None:
        self.peer, mine = MemoryStream("memory:server"), stream("memory:client")
        self.peer._other, mine._other = mine, self.peer
        self.stream = mine
        self.session = make_chat(
            Connection(stack_of(Silent, *layers), mine, Role.INITIATOR, limits=limits or Limits(goodbye=0.01))
        )
        ui = self.session.stack.ui
        assert isinstance(ui, RecordingUi)
        self.ui = ui
        self.heard = Receiver(self.peer)

    async def open(self) -> "Alone":
        await self.session.open()
        self.session.begin()
        return self

    async def over(self) -> Ending:
        ending = await self.session.over()
        self.peer.close()
        return ending

    @property
    def says(self) -> bytes:
        return bytes(self.heard.came)


def frame(payload: bytes, kind: bytes = b"M") -> bytes:
    return TypedFrames().encode(kind, payload)
