"""A real end of ours, over TCP, and a stranger at the other: what docs/protocol.md says of frames, preambles, identities and
records is written here once more, so that a stranger shares nothing with us but that page.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec.structs import replace

from plytalk.core.contracts.endings import Ending
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose
from plytalk.testing import RecordingUi
from plytalk.trust.files import write

MESSAGE, ACK, PING, CONTROL, CLOSE, FEATURES, MORE = 1, 2, 3, 5, 7, 8, 0x80
BUCKETS = (64, 256, 1024, 4096, 16384, 65519)
STRANGERS_REFUSE = ("the stranger says InvalidTag", "the stranger says DecryptFailedException")


def stack(*auths: str, handshake: str = "noise", **options: Any) -> Stack:
    """The stack of `chat --handshake HANDSHAKE --auth AUTH ...`, with a UI that remembers."""
    registry = Registry()
    chosen = choose({"handshake": [handshake], "auth": auths}, {}, registry.layer)
    return replace(
        Stack.build({kind: [layer.configured(options) for layer in layers] for kind, layers in chosen.items()}, options),
        ui=RecordingUi(),
    )


def psk_file(psk: bytes) -> Path:
    """A file with a pre-shared key, as --psk-file takes it."""
    file = Path(os.environ["PLYTALK_HOME"]) / "psk"
    write(file, psk.hex().encode())
    return file


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
    """Our end, in one role; `line` leads to it, where a stranger in this process holds the other end."""

    line: Line

    def __init__(self, stack: Stack, task: "asyncio.Task[Ending]") -> None:
        self.ui: RecordingUi = stack.ui  # type: ignore[assignment]
        self.task = task

    @property
    def session(self) -> DirectChat:
        assert self.ui.session is not None
        return self.ui.session

    @property
    def port(self) -> int:
        """Where our server listens."""
        return int(self.ui.address.rpartition(":")[2])

    async def hears(self, messages: int) -> list[str]:
        await self.ui.until(messages=messages)
        return self.ui.messages

    async def refuses(self) -> str:
        """Wait for no conversation to come about; the sentence that says why."""
        if not self.ui.address:  # a client ends
            with pytest.raises(ChatError) as caught:
                await self.task
            return caught.value.sentence
        while not (why := [notice for notice in self.ui.notices if "did not get in: " in notice]):
            await self.ui.until(notices=len(self.ui.notices) + 1)
        return why[0].partition("did not get in: ")[2]


@contextlib.asynccontextmanager
async def running(stack: Stack, work: Coroutine[Any, Any, Ending]) -> AsyncIterator[Ours]:
    task = asyncio.create_task(work)
    try:
        yield Ours(stack, task)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def serving(stack: Stack) -> AsyncIterator[Ours]:
    """Our server, listening."""
    async with running(stack, Server(stack, Registry().manager.hook).run("127.0.0.1", 0)) as ours:
        await ours.ui.until(listening=True)
        yield ours


def calling(stack: Stack, port: int) -> contextlib.AbstractAsyncContextManager[Ours]:
    """Our client, on its way to a port."""
    return running(stack, Client(stack, Registry().manager.hook).run("127.0.0.1", port))


@contextlib.asynccontextmanager
async def meeting(stack: Stack, role: Role) -> AsyncIterator[Ours]:
    """Our end with this stack in this role, and the line to it."""
    async with contextlib.AsyncExitStack() as open_things:
        if role is Role.RESPONDER:
            ours = await open_things.enter_async_context(serving(stack))
            ends = await asyncio.open_connection("127.0.0.1", ours.port)
        else:
            came: asyncio.Queue[Any] = asyncio.Queue()
            listener = await asyncio.start_server(lambda *ends: came.put_nowait(ends), "127.0.0.1", 0)
            open_things.callback(listener.close)
            ours = await open_things.enter_async_context(calling(stack, listener.sockets[0].getsockname()[1]))
            ends = await came.get()
        ours.line = Line(*ends)
        try:
            yield ours
        finally:
            ours.line.writer.close()
            with contextlib.suppress(ConnectionError):
                await ours.line.writer.wait_closed()


class Stranger:
    """The other end of a line: a Noise implementation that is not ours, with its own identity."""

    def __init__(
        self,
        line: Line,
        noise: Any,
        static_public: bytes = b"",
        signer: Ed25519PrivateKey | None = None,
        now: float | None = None,
    ) -> None:
        self.line, self.noise = line, noise
        self.identity = Ed25519PrivateKey.generate()
        self.proof = proof(self.identity, static_public, signer, now)
        self.sent = self.heard = 0

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

    def lets_in(self) -> None:
        self.line.send(self.record())

    async def is_let_in(self) -> None:
        """The server's first record, which says nothing."""
        assert items(bytes(self.noise.open(await self.line.frame()))) == []

    def say(self, *texts: str) -> None:
        self.line.send(self.record(*((MESSAGE, text.encode()) for text in texts)))

    async def close(self) -> None:
        """Say goodbye, and acknowledge what came and the goodbye that answers this one."""
        self.line.send(self.record((ACK, self.heard.to_bytes(8, "big")), (CLOSE, b"\0" + self.sent.to_bytes(8, "big"))))
        while (await self.hears())[-1][0] != CLOSE:
            pass
        self.line.send(self.record((ACK, (self.heard + 1).to_bytes(8, "big"))))

    async def proves(self, authenticator: str) -> None:
        """Show each other that both hold the same keys."""
        info = f"plytalk/1 binding {authenticator}".encode()
        binding = HKDF(SHA256(), 32, salt=None, info=info).derive(self.noise.handshake_hash)
        self.line.send(self.record((CONTROL, binding)))
        assert await self.hears() == [(CONTROL, binding)]

    async def hears(self) -> list[tuple[int, bytes]]:
        """The items of the next record that is not for features alone, which a stranger skips, as it does pings."""
        while True:
            came = items(bytes(self.noise.open(await self.line.frame())))
            self.heard += sum(kind == MESSAGE for kind, _ in came)
            if said := [one for one in came if one[0] not in (ACK, PING) and one[0] & ~MORE < FEATURES]:
                return said


async def failing(ours: Ours, stranger: Stranger, shaking: Coroutine[Any, Any, Any]) -> str:
    """Why a handshake ended, which goes on for as long as both sides let it."""
    try:
        await shaking
    except asyncio.IncompleteReadError:
        pass  # our end has closed
    except Exception as error:  # each library has its own error for what does not decrypt
        stranger.line.writer.close()
        return f"the stranger says {type(error).__name__}"
    assert await ours.line.is_cut()
    return await ours.refuses()


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


def proof(
    identity: Ed25519PrivateKey, static_public: bytes, signer: Ed25519PrivateKey | None = None, now: float | None = None
) -> bytes:
    """The identity payload; signed by `signer`, where that is another identity. `now` is the clock, if it is dated."""
    signature = (signer or identity).sign(b"noise-libp2p-static-key:" + static_public)
    bare = bytes.fromhex("0a2408011220") + identity.public_key().public_bytes_raw() + bytes.fromhex("1240") + signature
    if now is None:
        return bare
    expiry = (int(now) + 48 * 3600).to_bytes(8, "big")
    return bare + b"\xc2\x3e\x48" + expiry + (signer or identity).sign(b"plytalk/1 static key:" + static_public + expiry)


def fingerprint(identity: Ed25519PrivateKey) -> str:
    return PublicKey.of("ssh-ed25519", identity.public_key().public_bytes_raw()).fingerprint
