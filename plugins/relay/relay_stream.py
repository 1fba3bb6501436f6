"""The two ends of a connection through a relay: raw bytes, once the relay has said G."""

from abc import abstractmethod

from plytalk.core.bases.filter_stream import FilterStream, Opening
from plytalk.core.contracts.errors import CannotConnect, ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import CutWire
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.relay import relay_frames as wire
from plytalk.plugins.relay.relay_frames import FrameCutter, RelayReason
from plytalk.plugins.relay.relay_units import cut_frames
from plytalk.trust.folders import user_file

SENTENCES: dict[int, tuple[str, str]] = {
    RelayReason.NOBODY: ("The relay knows nobody of that name.", "Check the name, and that the other side is waiting there."),
    RelayReason.FULL: ("The relay is full.", "Try again later, or use another relay."),
    RelayReason.TOO_OFTEN: ("The relay takes no more from this address for now.", "Wait a minute."),
    RelayReason.NOT_ADMITTED: ("The relay does not admit this key.", "Ask its owner to add it to the relay's --allow file."),
    RelayReason.MALFORMED: ("The relay does not understand this program.", "Update the older of the two."),
    RelayReason.TAKEN: ("Another server with this key holds its name at the relay now.", "End one of the two."),
}
GONE = "The relay closed the connection.", "Check that it is a relay, and that it runs."
NO_REASON = "The relay refused, and does not say why.", "Ask its owner."


class RelayRefused(CannotConnect):
    """A relay said no. `reason` is a number of RelayReason, or one of a later version; 0 for none."""

    def __init__(self, reason: int, said: tuple[str, str] | None = None) -> None:
        super().__init__(*(said or SENTENCES.get(reason, NO_REASON)))
        self.reason = reason


def key_wanted() -> RelayRefused:
    """Return the error for a relay that asks for a key when this server has none to show."""
    hint = f"Give --relay-key FILE with a listed key. The key that `chat keys show` prints is in {user_file('identity')}."
    return RelayRefused(RelayReason.NOT_ADMITTED, ("The relay gives numbers only to listed keys.", hint))


def refusal(payload: bytes) -> RelayRefused:
    """What a relay's no means."""
    return RelayRefused(payload[1] if len(payload) == 2 else 0)


class RelayedStream(FilterStream):
    """A stream that opens with one frame, behind which its bytes are raw."""

    what = "plyrelay/1"
    ends_with_below = True

    def __init__(self, below: Stream) -> None:
        super().__init__(below)
        self._cutter = FrameCutter()

    @abstractmethod
    def open_with(self, payload: bytes) -> None:
        """Take the other side's first frame. Raises CannotConnect for a refusal."""

    def take(self, data: bytes) -> None:
        if self.opening is Opening.DONE:
            self.deliver(data)
            return
        self._cutter.feed(data)
        for payload in self._cutter.frames():
            self.open_with(payload)
            self.is_open()
            if rest := bytes(self._cutter.rest):
                self.deliver(rest)
            return

    def wrap(self, data: bytes) -> bytes:
        return data

    def wrap_end(self) -> bytes:
        return b""


class RelayStream(RelayedStream):
    """A joiner's connection, or a holder's answer: `first` is the first frame."""

    def __init__(self, below: Stream, first: bytes, peer: str) -> None:
        super().__init__(below)
        self.peer, self._first = peer, first

    def begin(self) -> None:
        self.write(self._first)

    def cut(self, way: str) -> CutWire:
        return cut_frames(way)

    def open_with(self, payload: bytes) -> None:
        if payload != wire.GO:
            raise refusal(payload)

    def ended_early(self) -> ChatError:
        return CannotConnect(*GONE)


class RelaySide(RelayedStream):
    """The relay's end of one of these, for the lab: it says G to whatever is asked first, and then passes on what it likes."""

    def open_with(self, payload: bytes) -> None:
        self.write(wire.frame(wire.GO))


def through_relay() -> dict[Role, tuple[Stream, Stream]]:
    """A joiner's stream and an answer's, each with the relay's end of it, in memory."""
    first = {Role.INITIATOR: wire.first(wire.JOIN, b"412"), Role.RESPONDER: wire.first(wire.ANSWER, bytes(wire.TICKET))}
    found: dict[Role, tuple[Stream, Stream]] = {}
    for role, asked in first.items():
        ours, theirs = memory_stream_pair()
        found[role] = RelayStream(ours, asked, ours.peer), RelaySide(theirs)
    return found
