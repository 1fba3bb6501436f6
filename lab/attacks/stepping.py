"""Stepping through an attack: each message is held until the user decides about it.

If the attack sees only frames, each frame is held before the attack gets it. If the attacker impersonates each side to the other,
each message of the attacker's own handshakes is held, and each item that the attacker decrypts. The attacker encrypts that item
again with its own keys, so the other side receives the edited item.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from msgspec import structs

from plytalk.core.contracts.attack import InterceptedFrame
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.items import Close, Extension, Item
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import SAID, TEXT, Passed, Span, describe
from plytalk.core.contracts.transport import Stream
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attacker_connection import StackConnection
from plytalk.lab.attacks.interceptor import FrameInterceptor

HEX = "0x"
"""How a value begins that is bytes in hexadecimal."""


@dataclass(frozen=True)
class HeldLayer:
    """What one layer made of a message: its bytes, and what each is. `fixed`: it is computed from the others."""

    title: str
    data: bytes
    spans: Sequence[Span]
    fixed: bool = False


@dataclass(frozen=True)
class HeldMessage:
    """A message that waits for the user's decision."""

    sender: Role
    title: str
    layers: tuple[HeldLayer, ...]

    @property
    def fields(self) -> list[tuple[int, Span]]:
        """The fields that can be edited, each with the number of its layer."""
        return [(at, span) for at, layer in enumerate(self.layers) if not layer.fixed for span in layer.spans]

    def edit(self, field: str, value: str) -> "HeldMessage":
        """The message with another value in a field, which is named by its number from 1 on, or by its name. Raises Usage."""
        at, span = self._find(field)
        layer = self.layers[at]
        changed = layer.data[: span.start] + written(value) + layer.data[span.end :]
        moved = len(changed) - len(layer.data)
        spans = [
            one._replace(size=one.size + moved, value="") if one == span else one.moved(moved if one.start > span.start else 0)
            for one in layer.spans
        ]
        layers = list(self.layers)
        layers[at] = replace(layer, data=changed, spans=spans)
        return replace(self, layers=tuple(layers))

    def _find(self, field: str) -> tuple[int, Span]:
        fields = self.fields
        if field.isdecimal() and 1 <= int(field) <= len(fields):
            return fields[int(field) - 1]
        named = [one for one in fields if one[1].name == field] or [one for one in fields if one[1].name.startswith(field)]
        if len(named) != 1:
            raise Usage(f"{'No' if not named else 'More than one'} field is called {field!r}.", "Give its number.")
        return named[0]


def written(value: str) -> bytes:
    """A value as the user typed it: text, or bytes after 0x. Raises Usage."""
    if not value.startswith(HEX):
        return value.encode()
    try:
        return bytes.fromhex(value.removeprefix(HEX))
    except ValueError:
        raise Usage(f"{value!r} is not hexadecimal.", "Give two digits for each byte, or text.") from None


Decide = Callable[[HeldMessage], Awaitable[Sequence[HeldMessage]]]
"""The decision about a message: the message, edited or not, as often as it passes."""


class SteppedInterceptor(FrameInterceptor):
    """Holds each message until `decide` has decided about it. Later messages wait."""

    by_hand = True

    def __init__(self, decide: Decide, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._decide = decide
        self._waiting: asyncio.Queue[InterceptedFrame | Role] = asyncio.Queue()
        self._stepping = asyncio.create_task(self._step())

    def stop(self) -> None:
        self._stepping.cancel()

    def _handle(self, frame: InterceptedFrame) -> None:
        self._waiting.put_nowait(frame)

    def _ended(self, sender: Role, error: Exception | None = None) -> None:
        self._waiting.put_nowait(sender)

    async def _step(self) -> None:
        while True:
            match await self._waiting.get():
                case Role() as sender:
                    super()._ended(sender)
                case frame:
                    payloads = [frame.payload]
                    try:
                        payloads = [one.layers[-1].data for one in await self._ask(self._held(frame))]
                    except ChatError as error:  # the commands cannot be read
                        self.log(error.sentence)
                    self.pass_to_attack(frame, payloads)

    async def _ask(self, held: HeldMessage) -> Sequence[HeldMessage]:
        """What is to pass in place of a message; what the user does is told as the attack's doing."""
        passing = await self._decide(held)
        name = held.title.partition(",")[0]
        if not passing:
            self.log(f"dropped {name}")
        if any(one != held for one in passing):
            self.log(f"changed {name}")
        if len(passing) > 1:
            self.log(f"sent {name} {len(passing)} times")
        return passing

    def _held(self, frame: InterceptedFrame) -> HeldMessage:
        what = "handshake frame" if frame.handshake else "frame"
        name = f"the {frame.sender.value}'s {what} {frame.index}"
        return self._framed(frame.sender, name, frame.kind or MESSAGE, self._content(frame))

    def _framed(self, sender: Role, name: str, kind: FrameKind, content: HeldLayer) -> HeldMessage:
        """A frame, with what the framer puts around its content."""
        framer, whole = self.stack.framer(), self.encode(kind, content.data)
        around = HeldLayer(f"framer {framer.name}, around what follows", whole, describe(framer, Passed(whole, kind)), True)
        return HeldMessage(sender, f"{name}, {len(whole):,} bytes", (around, content))

    def _content(self, frame: InterceptedFrame) -> HeldLayer:
        """What the frame carries: of the handshake, sealed, or in the clear."""
        earlier = [one for one in self.frames if one.handshake == frame.handshake]
        mine = [one for one in earlier if one.sender is frame.sender]
        if frame.handshake:
            return self._handshake_layer(frame.kind or b"", frame.payload, [one.payload for one in earlier])
        passed = Passed(frame.payload, number=len(mine))
        cipher = self.stack.cipher
        if not {Property.KEYS, Property.STATES} & set(cipher.needs):  # it changes nothing
            messages = self.stack.messages()
            return HeldLayer(f"messages {messages.name}", frame.payload, describe(messages, passed))
        without_keys = cipher.layer.__new__(cipher.layer)  # it says what its bytes are, and opens nothing
        return HeldLayer(f"cipher {cipher.name}", frame.payload, describe(without_keys, passed))

    async def impersonate(self, role: Role, stream: Stream | None = None, leaked: bool = False) -> StackConnection:
        connection = await super().impersonate(role, stream, leaked)
        if stream is None:
            connection.step(partial(self._hold_handshake, role))
            connection.review = partial(self._review, role.other)
        return connection

    def _handshake_layer(self, kind: FrameKind, payload: bytes, before: Sequence[bytes]) -> HeldLayer:
        passed = Passed(payload, kind, len(before), before)
        return HeldLayer(f"handshake {self.stack.handshake.name}", payload, describe(self.stack.handshake, passed))

    async def _hold_handshake(
        self, role: Role, own: bool, kind: FrameKind, payload: bytes, before: Sequence[bytes]
    ) -> Sequence[bytes]:
        """A message of the handshake that the attacker does in this role: one that it is about to send, or that has come."""
        sender = role if own else role.other
        name = f"the attacker's handshake frame {len(before)} to the {role.other.value}"
        if not own:
            name = f"the {sender.value}'s handshake frame {len(before)} to the attacker"
        held = self._framed(sender, name, kind, self._handshake_layer(kind, payload, before))
        return [one.layers[-1].data for one in await self._ask(held)]

    async def _review(self, sender: Role, items: Sequence[Item]) -> list[Item]:
        passing: list[Item] = []
        for item in items:
            layer = held_item(item, self.stack)
            held = HeldMessage(sender, f"the {sender.value}'s {layer.title}", (layer,))
            passing += [item_of(item, one.layers[0].data) for one in await self._ask(held)]
        return passing


def held_item(item: Item, stack: Stack) -> HeldLayer:
    """An item that the attacker has read."""
    match item:
        case str():
            data = item.encode()
            return HeldLayer("message", data, [Span(TEXT, 0, len(data), item, SAID)])
        case Close():
            data = item.text.encode()
            return HeldLayer("goodbye", data, [Span(TEXT, 0, len(data), item.text, SAID)])
        case Extension():
            passed = Passed(item.body, bytes([item.type]))
            for feature in stack.features:
                spans = describe(feature, passed)
                if any(span.name for span in spans):
                    return HeldLayer(f"item of type {item.type}, {feature.name}", item.body, spans)
            return HeldLayer(f"item of type {item.type}", item.body, describe(None, passed))
    return HeldLayer(type(item).__name__.lower(), b"", [])


def item_of(item: Item, data: bytes) -> Item:
    """The item with these bytes in place of those that came."""
    match item:
        case str():
            return data.decode(errors="replace")
        case Close():
            return structs.replace(item, text=data.decode(errors="replace"))
        case Extension():
            return structs.replace(item, body=data)
    return item
