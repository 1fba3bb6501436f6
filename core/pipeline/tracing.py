"""Watching a conversation at every layer's boundary.

Tracing is decided when a connection is built: each of its layers is wrapped in one that tells what passes it, and does all else
as before. Without a trace nothing is wrapped, looked up or asked. What is traced is what passes each boundary, including
plaintext. Keys, and the names and contents of files, are traced only where the trace asks for them: a trace with an attribute
`secrets` that is True.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from typing import Any, cast

from msgspec import Struct, field

from plytalk.core.contracts.authenticator import Authenticator, Channel
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Disclose, Handshake, HandshakeIO
from plytalk.core.contracts.layer import FrameKind, Layer
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.optional import steps_of
from plytalk.core.contracts.origins import origin
from plytalk.core.contracts.peers import Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import Passed, Span, describe
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import IN as IN
from plytalk.core.contracts.wire import OUT as OUT
from plytalk.core.contracts.wire import TellsWire, WireUnit
from plytalk.core.pipeline.handshake_io import MESSAGE, FrameHandshakeIO
from plytalk.core.pipeline.traced_layers import Traced, TracedCipher, TracedFramer, TracedMessages, TracedStream
from plytalk.core.stack.selection import Stack


class TraceEvent(Struct, frozen=True, eq=False):
    """Something passed a boundary: at which layer, which way ("in", "out", or "" for neither), what it is called, its bytes,
    facts about the whole conversation, when, in seconds of a clock that only goes forward, and what each byte is.

    `group` tells conversations apart where a trace holds several: an attacker has one with each end. Two events are equal if the
    same bytes passed the same boundary, whenever that was.
    """

    layer: str
    way: str
    what: str
    data: bytes = b""
    fields: Mapping[str, str] = field(default_factory=dict)
    time: float = field(default_factory=time.monotonic)
    group: str = ""
    spans: Sequence[Span] = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TraceEvent) and self._passed == other._passed

    def __hash__(self) -> int:
        return hash(self._passed)

    @property
    def _passed(self) -> tuple[str, str, str, bytes, str]:
        return self.layer, self.way, self.what, self.data, self.group


Trace = Callable[[TraceEvent], None]


def unit_teller(trace: Trace, group: str) -> Callable[[str, WireUnit], None]:
    """What tells the units of a transport's protocol that belong to no conversation."""
    return lambda way, unit: trace(TraceEvent("wire", way, unit.name, unit.data, group=group, spans=unit.spans))


class Tracer:
    """Wraps the layers of one connection so that `trace` hears of every event."""

    def __init__(self, trace: Trace, group: str = "") -> None:
        self._hears_keys = getattr(trace, "secrets", False) is True

        def tell(
            layer: str, way: str, what: str, data: bytes, spans: Sequence[Span] = (), fields: Mapping[str, str] = {}
        ) -> None:
            trace(TraceEvent(layer, way, what, data, fields, group=group, spans=spans))

        self._tell = tell  # no method: what is wrapped must not lead back here
        self._steps: list[bytes] = []  # of the handshake, from both sides
        self._said: dict[str, list[bytes]] = {}  # by the authenticators that are only seen to talk
        self._tell_wire: Callable[[Callable[[str, WireUnit], None]], None] | None = None
        self.speaker: tuple[Layer, list[bytes]] | None = None
        """The authenticator that is talking to its counterpart, and what both have said."""

    def tell(self, what: str, sentence: str = "", **fields: str) -> None:
        """Something that concerns the whole conversation: its start, a time limit, an error, its end."""
        self._tell("session", "", what, sentence.encode(errors="replace"), fields=fields)

    def tell_start(self, stack: Stack, role: Role, peer: str, **facts: str) -> None:
        """A conversation begins, over this stack; where its layers come from, and whether it keeps anything secret."""
        secrecy = {} if Property.SECRECY in stack.gives else {"secrecy": "none"}
        versions = {f"{kind}_version": ",".join(map(_version, layers)) for kind, layers in stack.classes.items() if layers}
        self.tell("started", role=role.value, peer=peer, **stack.names, **versions, **secrecy, **facts)
        tell_wire, self._tell_wire = self._tell_wire, None
        if tell_wire:
            tell = self._tell
            tell_wire(lambda way, unit: tell("wire", way, unit.name, unit.data, unit.spans))

    def tell_key(self, name: str, key: bytes | bytearray) -> None:
        """A key that the conversation runs on, for a trace that asks for keys. Any other hears nothing."""
        if self._hears_keys:
            self._tell("keys", "", name, bytes(key), [Span(name, 0, len(key))])

    def tell_keys(self, secrets: SessionSecrets, role: Role) -> None:
        """The keys that a handshake has left as bytes. Those of cipher states it tells itself, by `NegotiatingIO.disclose`."""
        names = {role: secrets.send, role.other: secrets.receive}
        if secrets.send == secrets.receive:
            names = {role: secrets.send}
        for whose, key in names.items():
            if key:
                self.tell_key("session key" if len(names) == 1 else f"{whose.value} key", key)

    def tell_named_step(self, way: str, stack: Stack, name: str, speaker: str, payload: bytes) -> None:
        """A message of the handshake or of the authenticator `speaker`, to one who only sees it pass, but knows which it is."""
        auth = next((auth for auth in stack.auths if auth.name == speaker), None)
        self.speaker = (auth, self._said.setdefault(speaker, [])) if auth else None
        kinds = {named: kind for kind, named in steps_of(auth or stack.handshake).items()}
        self.tell_step(way, stack.handshake, kinds.get(name, name.encode("latin-1", "replace")), payload)
        self.speaker = None

    def wrap_stream(self, stream: Stream) -> Stream:
        """What passes below it, if it has a protocol there, is told behind the start."""
        if isinstance(stream, TellsWire):
            self._tell_wire = stream.tell_wire
        return cast(Stream, TracedStream(stream, self._tell))

    def wrap_framer(self, framer: Framer) -> Framer:
        return cast(Framer, TracedFramer(framer, self._tell))

    def wrap_cipher(self, cipher: Cipher, messages: Messages | None = None) -> Cipher:
        """`messages` are the traced ones, if what they did not pack is to be told as well."""
        packed = messages.about_to_seal if isinstance(messages, TracedMessages) else lambda plaintext: None
        return cast(Cipher, TracedCipher(cipher, self._tell, packed))

    def wrap_messages(self, messages: Messages, features: Sequence[Layer] = ()) -> Messages:
        return cast(Messages, TracedMessages(messages, self._tell, partial(self._inside, features), not self._hears_keys))

    def wrap_authenticator(self, authenticator: Authenticator) -> Authenticator:
        return cast(Authenticator, TracedAuthenticator(authenticator, self._tell, self))

    def handshake_io(self, handshake: Handshake) -> Callable[..., FrameHandshakeIO]:
        """What to call in place of `FrameHandshakeIO`, for a handshake that is traced."""
        return partial(TracedHandshakeIO, self, handshake)

    def _inside(self, features: Sequence[Layer], kind: FrameKind, body: bytes) -> Sequence[Span]:
        """What an item is, by the authenticator that is talking or by the features."""
        if self.speaker:
            return self.described_by_speaker(kind, body)
        for feature in features:
            spans = describe(feature, Passed(body, kind))
            if any(span.name for span in spans):
                return spans
        return ()

    def described_by_speaker(self, kind: FrameKind, body: bytes) -> Sequence[Span]:
        """What the authenticator that is talking says about its next message."""
        assert self.speaker is not None
        layer, said = self.speaker
        spans = describe(layer, Passed(body, kind, len(said), tuple(said)))
        said.append(body)
        return spans

    def tell_step(self, way: str, handshake: Handshake, kind: FrameKind, payload: bytes) -> None:
        """A message of the handshake, or of the authenticator that is talking, by its name."""
        layer: Layer = handshake
        fields = {}
        if self.speaker:
            layer, spans = self.speaker[0], self.described_by_speaker(kind, payload)
            fields = {"by": layer.name}
        else:
            spans = describe(handshake, Passed(payload, kind, len(self._steps), tuple(self._steps)))
            self._steps.append(payload)
        self._tell("handshake", way, steps_of(layer).get(kind, kind.decode("latin-1")), payload, spans, fields)

    def tell_secret(self, name: str, key: bytes, parts: Sequence[Span] = ()) -> None:
        """What a handshake discloses: a key or, with `parts`, a step by which keys were made."""
        if parts:
            self._tell("schedule", "", name, key, parts)
        else:
            self.tell_key(name, key)

    @property
    def disclose(self) -> Disclose | None:
        """For `NegotiatingIO.disclose`: nothing where the trace asks for no keys."""
        return self.tell_secret if self._hears_keys else None


@cache
def _version(layer: type[Layer]) -> str:
    """The distribution that brings a layer, and its version."""
    return origin(layer.__module__)


class TracedAuthenticator(Traced):
    """Says which authenticator is talking, while it is."""

    __slots__ = ()
    _layer: Authenticator
    _state: Tracer

    async def agree(self, io: HandshakeIO, role: Role) -> bytes:
        with self._speaking():
            return await self._layer.agree(io, role)

    async def verify(self, channel: Channel, peer: Peer) -> None:
        with self._speaking():
            await self._layer.verify(channel, peer)

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        self._state.speaker = self._layer, []
        try:
            yield
        finally:
            self._state.speaker = None


class TracedHandshakeIO(FrameHandshakeIO):
    """Tells each message of the handshake, and gives it what to disclose keys to."""

    def __init__(self, tracer: Tracer, handshake: Handshake, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tracer, self._handshake = tracer, handshake
        self.disclose = tracer.disclose

    async def _send(self, kind: FrameKind, payload: bytes) -> None:
        self._tell_step(OUT, kind, payload)
        await super()._send(kind, payload)

    async def _receive(self, kind: FrameKind, limit: int) -> bytes:
        payload = await super()._receive(kind, limit)
        self._tell_step(IN, kind, payload)
        return payload

    def _tell_step(self, way: str, kind: FrameKind, payload: bytes) -> None:
        if kind != MESSAGE or kind in steps_of(self._handshake):  # after the handshake, authenticators talk here in records
            self._tracer.tell_step(way, self._handshake, kind, payload)
