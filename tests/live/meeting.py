"""A real end of ours, over TCP, and a stranger at the other: what docs/protocol.md says of frames, preambles, identities and
records is written here once more, so that a stranger shares nothing with us but that page.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from plytalk.core.ends import Client, Server
from plytalk.core.errors import ChatError
from plytalk.core.host import Host
from plytalk.core.keys import Role
from plytalk.core.public_key import PublicKey
from plytalk.core.session import Ending, Session
from plytalk.core.stack import Stack, choose
from plytalk.core.testing import RecordingUi

MESSAGE, MORE, CLOSE = 1, 0x80, 7
BUCKETS = (64, 256, 1024, 4096, 16384, 65519)


def stack(*auths: str, handshake: str = "noise", **options: Any) -> Stack:
    """The stack of `chat --handshake HANDSHAKE --auth AUTH ...`, with a UI that remembers."""
    host = Host()
    chosen = choose({"handshake": [handshake], "auth": auths}, {}, host.layer)
    return replace(
        Stack.build({kind: [layer.configured(options) for layer in layers] for kind, layers in chosen.items()}, options),
        ui=RecordingUi(),
    )


class Line:
    """Frames with a u16 length over a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, *frames: bytes) -> None:
        self.writer.write(b"".join(len(frame).to_bytes(2, "big") + frame for frame in frames))

    async def frame(self) -> bytes:
        """The next frame. Raises IncompleteReadError once the other side has closed."""
        return await self.reader.readexactly(int.from_bytes(await self.reader.readexactly(2), "big"))

    async def is_cut(self) -> bool:
        """Whether the other side ends the connection without another byte, and so without another word."""
        try:
            return await self.reader.read() == b""
        except ConnectionError:
            return True


class Ours:
    """Our end, in one role, and the line that leads to it."""

    def __init__(self, stack: Stack, task: "asyncio.Task[Ending]", line: Line) -> None:
        self.ui: RecordingUi = stack.ui  # type: ignore[assignment]
        self.task, self.line = task, line

    @property
    def session(self) -> Session:
        assert self.ui.session is not None
        return self.ui.session

    async def hears(self, messages: int) -> list[str]:
        await self.ui.until(messages=messages)
        return self.ui.messages

    async def refuses(self) -> str:
        """Wait for no conversation to come about; the sentence that says why. The stranger hears nothing but the end."""
        assert await self.line.is_cut()
        notices = len(self.ui.notices)
        while not self.task.done() and not any("did not get in: " in notice for notice in self.ui.notices):
            await self.ui.until(notices=notices + 1)
            notices += 1
        if not self.task.done():
            return self.ui.notices[-1].partition("did not get in: ")[2]
        try:
            raise AssertionError(self.task.result())
        except ChatError as error:
            return error.sentence


@contextlib.asynccontextmanager
async def meeting(stack: Stack, role: Role) -> AsyncIterator[Ours]:
    """Our end with this stack in this role, met by whoever writes to `line`."""
    hook = Host().manager.hook
    came: asyncio.Future[Line] = asyncio.get_running_loop().create_future()
    listener = None
    if role is Role.RESPONDER:
        task = asyncio.create_task(Server(stack, hook).run("127.0.0.1", 0))
        await stack.ui.until(listening=True)
        host, _, port = stack.ui.address.rpartition(":")
        came.set_result(Line(*await asyncio.open_connection(host, int(port))))
    else:
        listener = await asyncio.start_server(lambda *ends: came.set_result(Line(*ends)), "127.0.0.1", 0)
        task = asyncio.create_task(Client(stack, hook).run(*listener.sockets[0].getsockname()))
        await asyncio.wait([task, came], return_when=asyncio.FIRST_COMPLETED)
        if not came.done():
            await task
    line = await came
    try:
        yield Ours(stack, task, line)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        line.writer.close()
        with contextlib.suppress(ConnectionError):
            await line.writer.wait_closed()
        if listener:
            listener.close()


class Stranger:
    """The other end of a line: a Noise implementation that is not ours, with an identity of its own."""

    def __init__(self, line: Line, noise: Any, static_public: bytes = b"", signer: Ed25519PrivateKey | None = None) -> None:
        self.line, self.noise = line, noise
        self.identity = Ed25519PrivateKey.generate()
        self.proof = proof(self.identity, static_public, signer)
        self.sent = 0

    async def shake(self, pattern: tuple[tuple[str, ...], ...], begins: bool, with_proof: bool = True) -> list[bytes]:
        """Go through the messages of a pattern; the payloads that came."""
        heard = []
        for place, tokens in enumerate(pattern):
            if (place % 2 == 0) == begins:
                self.line.send(self.noise.write(self.proof if with_proof and "s" in tokens else b""))
            else:
                heard.append(bytes(self.noise.read(await self.line.frame())))
        return heard

    def record(self, *items: tuple[int, bytes]) -> bytes:
        self.sent += 1
        return bytes(self.noise.seal(plaintext(*items)))

    def say(self, *texts: str) -> None:
        self.line.send(self.record(*((MESSAGE, text.encode()) for text in texts)))

    def close(self) -> None:
        self.line.send(self.record((CLOSE, b"\0" + self.sent.to_bytes(8, "big"))))

    async def hears(self) -> list[tuple[int, bytes]]:
        """The items of the next record."""
        return items(bytes(self.noise.open(await self.line.frame())))


def plaintext(*items: tuple[int, bytes]) -> bytes:
    body = b"".join(bytes([kind]) + len(text).to_bytes(2, "big") + text for kind, text in items)
    return body.ljust(next(bucket for bucket in BUCKETS if bucket >= len(body)), b"\0")


def items(record: bytes) -> list[tuple[int, bytes]]:
    assert len(record) in BUCKETS
    found, at = [], 0
    while at < len(record) and record[at]:
        length = int.from_bytes(record[at + 1 : at + 3], "big")
        found.append((record[at], record[at + 3 : at + 3 + length]))
        at += 3 + length
    assert not any(record[at:])
    return found


async def offers(line: Line, *suites: str) -> tuple[str, bytes]:
    """A client's preamble and its answer: the suite that our server chose, and the prologue."""
    offer = b"PLYTALK1\n" + listed(suites)
    line.send(offer)
    answer = await line.frame()
    return answer[1 : 1 + answer[0]].decode(), prologue(offer, answer)


async def chooses(line: Line, suite: str, *known: str) -> tuple[list[str], bytes]:
    """A server's answer to our client's preamble: what that offered, and the prologue."""
    offer = await line.frame()
    assert offer.startswith(b"PLYTALK1\n")
    rest, offered = offer[10:], []
    while rest:
        offered.append(rest[1 : 1 + rest[0]].decode())
        rest = rest[1 + rest[0] :]
    assert len(offered) == offer[9]
    answer = len(suite).to_bytes(1, "big") + suite.encode() + listed(known or (suite,))
    line.send(answer)
    return offered, prologue(offer, answer)


def listed(suites: tuple[str, ...]) -> bytes:
    return len(suites).to_bytes(1, "big") + b"".join(len(suite).to_bytes(1, "big") + suite.encode() for suite in suites)


def prologue(offer: bytes, answer: bytes) -> bytes:
    return b"plytalk/1" + b"".join(len(part).to_bytes(2, "big") + part for part in (offer, answer))


def proof(identity: Ed25519PrivateKey, static_public: bytes, signer: Ed25519PrivateKey | None = None) -> bytes:
    """The identity payload; signed by `signer`, where that is somebody else."""
    signature = (signer or identity).sign(b"noise-libp2p-static-key:" + static_public)
    return bytes.fromhex("0a2408011220") + identity.public_key().public_bytes_raw() + bytes.fromhex("1240") + signature


def fingerprint(identity: Ed25519PrivateKey) -> str:
    return PublicKey.of("ssh-ed25519", identity.public_key().public_bytes_raw()).fingerprint
