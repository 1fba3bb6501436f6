"""A small stream over another one: both sides say hello, then come pieces with their lengths, and an empty piece is the end."""

from plytalk.core.bases.filter_listener import FilterListener, opened_client
from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.contracts.errors import HandshakeFailed
from plytalk.core.contracts.transport import Listener, Stream
from plytalk.plugins.transports.memory import Memory

HELLO = b"pieces, please\n"
PIECE = 60_000


class Pieces(FilterStream):
    """The client says hello first; behind the server's hello a line may follow that names the peer."""

    what = "pieces"

    def __init__(self, below: Stream, begins: bool) -> None:
        super().__init__(below)
        self._begins, self._came = begins, bytearray()

    def begin(self) -> None:
        if self._begins:
            self.write(HELLO)

    def take(self, data: bytes) -> None:
        self._came += data
        if not self._opens():
            return
        while len(self._came) >= 2 and len(self._came) >= 2 + (size := int.from_bytes(self._came[:2], "big")):
            piece = bytes(self._came[2 : 2 + size])
            del self._came[: 2 + size]
            if piece:
                self.deliver(piece)
            else:
                self.deliver_end()

    def _opens(self) -> bool:
        if self.opening.value != "begun":
            return True
        if not HELLO.startswith(self._came[: len(HELLO)]):
            raise HandshakeFailed("It says something else than hello.")
        if len(self._came) < len(HELLO):
            return False
        del self._came[: len(HELLO)]
        if not self._begins:
            self.write(HELLO)
        self.is_open()
        return True

    def wrap(self, data: bytes) -> bytes:
        pieces = [data[at : at + PIECE] for at in range(0, len(data), PIECE)]
        return b"".join(len(piece).to_bytes(2, "big") + piece for piece in pieces)

    def wrap_end(self) -> bytes:
        return bytes(2)


class InPieces(Memory):
    """Memory, in pieces."""

    name = "in-pieces"

    async def listen(self, host: str, port: int) -> Listener:
        return FilterListener(await super().listen(host, port), lambda below: Pieces(below, begins=False))

    async def connect(self, host: str, port: int) -> Stream:
        return await opened_client(Pieces(await super().connect(host, port), begins=True), 10)
