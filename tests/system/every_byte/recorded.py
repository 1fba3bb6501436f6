"""Conversations of every kind, recorded in this process at both ends."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.core.registry.registry import Registry
from plytalk.plugins.authenticators.code import Code
from plytalk.plugins.messages.records import MAX_BODY
from plytalk.plugins.noise.suites import CLASSICAL, HYBRID
from plytalk.testing import RecordingUi, stack_of
from plytalk.testing.verdict import idle, within

NOISE = {"framer": "u16", "handshake": "noise", "cipher": "noise", "messages": "records"}
OFFERED = "plytalk1"
LINES = ("Hello, can anyone read this?", "Hör zu. 你好", "x" * (MAX_BODY + 10))


class Recording(list[TraceEvent]):
    """A trace that asks for keys."""

    secrets = True
    code = b""
    """The one-time code of the conversation."""
    __call__ = list.append

    def __bool__(self) -> bool:
        return True


class Agreeing(RecordingUi):
    """A user who says yes to every question."""

    name = "agreeing"

    def __init__(self) -> None:
        super().__init__(answer=True)


def profiles() -> Iterator[tuple[str, Mapping[str, str], Mapping[str, Any]]]:
    """Every profile and suite: a name, the layers by their kinds, and options."""
    registry = Registry()
    for name in registry.names("profile"):
        yield name, registry.profile(name).layers, {}
    plytalk1 = registry.profile(OFFERED).layers
    for suite in HYBRID + CLASSICAL:
        for auth in ("", "psk", "code", "words"):
            yield f"{suite} {auth}".strip(), plytalk1 | ({"auth": auth} if auth else {}), {"suite": suite}
    yield "words and psk", plytalk1 | {"auth": "words,psk"}, {}
    for pattern in ("NN", "XX", "IX", "XXhfs", "NX1", "NNpsk0", "XXpsk3", "NNhfs+psk2"):
        auth = {"auth": "psk"} if "psk" in pattern else {}
        yield f"noise {pattern}", NOISE | auth, {"pattern": pattern, "no_identity": pattern == "IX"}


async def record(
    folder: Path,
    layers: Mapping[str, str],
    options: Mapping[str, Any],
    *own: type[Layer],
    lines: Sequence[str] = LINES,
    streams: tuple[Stream, Stream] | None = None,
) -> dict[Role, Recording]:
    """What both ends of a conversation over these layers are told; `own` are layers that are not installed. The streams are a
    client's and a server's, by default in memory.
    """
    registry = Registry()
    chosen = [registry.layer(kind, name) for kind, names in layers.items() for name in names.split(",")]
    (folder / "psk").write_text("5a" * 32)
    (folder / "psk").chmod(0o600)
    code: list[str] = []
    heard = {role: Recording() for role in Role}
    ends = {}
    for role in (Role.RESPONDER, Role.INITIATOR):  # the server makes the one-time code
        given = {"identity": folder / role.value, "psk_file": folder / "psk", **options}
        stack = stack_of(*chosen, *own, Agreeing, **given)
        for layer in (stack.handshake, *stack.auths):
            await prepare(layer, role, lambda prompt: code[0])
            if isinstance(layer, Code) and role is Role.RESPONDER:
                code.append(layer.words)
                for one in heard.values():
                    one.code = layer.words.encode()
        ends[role] = stack
    by_network, streams = bool(streams), streams or memory_stream_pair()
    chats = [
        DirectChat(Connection(ends[role], stream, role, trace=heard[role])) for role, stream in zip(Role, streams, strict=True)
    ]
    await within(asyncio.gather(*(chat.open() for chat in chats)), "The conversation does not open.")
    for chat in chats:
        chat.begin()
    for line in lines:
        for chat in chats:
            chat.say(line)
            await idle()
    if by_network:
        all_came = asyncio.gather(*(end.ui.until(messages=len(lines)) for end in ends.values()))
        await within(all_came, "The words do not all come.")
    for chat in chats:
        chat.exit()
        await idle()
    for stream in streams:
        stream.close()
    return heard
