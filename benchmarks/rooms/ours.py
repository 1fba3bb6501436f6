"""Our server, and what of a member is done in Python: the handshake of plytalk/1; then its socket and keys are handed over."""

import asyncio
import json
import socket
import sys
import time
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from benchmarks.rooms.peers import HOST, ROOM, Peer, Place, Unable
from plytalk.core.contracts.errors import ChatError
from plytalk.plugins.noise import payload, preamble
from plytalk.plugins.noise.engine import HandshakeState
from plytalk.plugins.noise.primitives import X25519
from plytalk.plugins.noise.protocol import NoiseProtocol, named
from plytalk.trust.identity import OwnIdentity

SUITE = "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256"
AT_ONCE = 16
JOIN = json.dumps({"do": "join", "room": ROOM, "name": "m@", "instance": "#"}).replace("@", "%d").replace("#", "%016x")


def command(place: Place) -> list[str]:
    options = ["--keep", "--headless", "--rate", "0", "--members", str(place.members + 10)]
    return [
        sys.executable,
        "-m",
        "plytalk",
        "serve",
        "--ping",
        "0",
        "--port",
        str(place.port),
        *options,
    ]  # receiver.c answers no ping


OURS = Peer("plytalk/1", "import plytalk", command, JOIN, '"welcome"', parser="plytalk", security="plytalk")


def remembering(keys: list[bytes]) -> NoiseProtocol:
    """The suite, with a cipher that writes down every key it is made with: the last two are those of the conversation (Split)."""
    protocol = named(SUITE)

    def new(key: bytes | bytearray) -> Any:
        keys.append(bytes(key))
        return protocol.cipher.new(key)

    return replace(protocol, cipher=replace(protocol.cipher, new=new))


async def shake_hands(port: int, give: socket.socket) -> None:
    """A new member's connection and handshake; then the receiver has its socket and both keys."""
    loop = asyncio.get_running_loop()
    keys: list[bytes] = []
    identity, static = OwnIdentity(Ed25519PrivateKey.generate()), X25519.generate_keypair()
    with socket.socket() as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, (HOST, port))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        async def exactly(size: int) -> bytes:
            got = b""
            while len(got) < size:
                if not (more := await loop.sock_recv(sock, size - len(got))):
                    raise ConnectionError("the connection was closed")
                got += more
            return got

        async def answer_to(message: bytes) -> bytes:
            await loop.sock_sendall(sock, len(message).to_bytes(2, "big") + message)
            return await exactly(int.from_bytes(await exactly(2), "big"))

        offer = preamble.Offer((SUITE,)).encode()
        prologue = preamble.prologue(offer, await answer_to(offer))
        state = HandshakeState(remembering(keys), initiator=True, prologue=prologue, s=static)
        theirs = state.read_message(await answer_to(state.write_message()))
        assert state.rs
        payload.decode(theirs, state.rs, time.time())
        last = state.write_message(payload.encode(identity, static.public, time.time()))
        let_in = await answer_to(last)
        state.split().receive.decrypt_with_ad(b"", let_in)
        socket.send_fds(give, [b"".join(keys[-2:])], [sock.fileno()])


async def join_all(port: int, count: int, give: socket.socket) -> None:
    """As many members, at most AT_ONCE in their handshakes at any time. Raises Unable."""
    numbers = iter(range(count))

    async def one_after_the_other() -> None:
        for _ in numbers:
            await shake_hands(port, give)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(one_after_the_other())
    except* (OSError, ChatError) as errors:
        raise Unable(f"Our server shook hands with less than {count} members: {errors.exceptions[0]}.") from None
