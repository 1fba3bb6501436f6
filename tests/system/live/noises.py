"""Two implementations of Noise that are not ours, behind one face: `write` and `read`, then `seal` and `open`."""

import importlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from plytalk.plugins.noise.primitives import KeyPair
from plytalk.plugins.noise.protocol import NoiseProtocol


@dataclass
class Scene:
    """What both sides of one conversation are given. The peer's static key is given as bytes, ours as a key pair."""

    protocol: NoiseProtocol
    we_begin: bool
    prologue: bytes
    psks: list[bytes]
    ours: KeyPair | None
    our_public: bytes | None
    theirs: bytes | None
    their_public: bytes | None


class NoiseProtocolPeer:
    """PyPI's noiseprotocol."""

    def __init__(self, scene: Scene) -> None:
        noise = pytest.importorskip("noise.connection", reason="needs noiseprotocol: ./run --group tests")
        static, remote_static = noise.Keypair.STATIC, noise.Keypair.REMOTE_STATIC
        self.connection = noise.NoiseConnection.from_name(scene.protocol.name.encode())
        self.connection.set_prologue(scene.prologue)
        if scene.psks:
            self.connection.set_psks(psks=scene.psks)
        if scene.theirs:
            self.connection.set_keypair_from_private_bytes(static, scene.theirs)
        if scene.our_public:
            self.connection.set_keypair_from_public_bytes(remote_static, scene.our_public)
        self.connection.set_as_responder() if scene.we_begin else self.connection.set_as_initiator()
        self.connection.start_handshake()

    def write(self, payload: bytes) -> bytes:
        return bytes(self.connection.write_message(payload))

    def read(self, message: bytes) -> bytes:
        return bytes(self.connection.read_message(message))

    @property
    def handshake_hash(self) -> bytes:
        return bytes(self.connection.get_handshake_hash())

    def seal(self, data: bytes) -> bytes:
        return bytes(self.connection.encrypt(data))

    def open(self, data: bytes) -> bytes:
        return bytes(self.connection.decrypt(data))

    def rekey_sending(self) -> None:
        self.connection.rekey_outbound_cipher()

    def rekey_receiving(self) -> None:
        self.connection.rekey_inbound_cipher()


class DissononcePeer:
    """PyPI's dissononce."""

    def __init__(self, scene: Scene) -> None:
        pytest.importorskip("dissononce", reason="needs dissononce: ./run --group tests")
        _, pattern_name, dh, cipher, hash_name = scene.protocol.name.split("_")
        base, *places = pattern_name.replace("+", "").split("psk")
        pattern = handshake_pattern(base)
        for place in places:
            pattern = part("processing.modifiers.psk", "PSKPatternModifier")(int(place)).modify(pattern)
        functions = part(f"dh.x{dh}.x{dh}", f"X{dh}DH")()
        self.symmetric = part("processing.impl.symmetricstate", "SymmetricState")(
            part("processing.impl.cipherstate", "CipherState")(part(f"cipher.{cipher.lower()}", f"{cipher}Cipher")()),
            part(f"hash.{hash_name.lower()}", f"{hash_name.replace('BLAKE', 'Blake')}Hash")(),
        )
        static = functions.generate_keypair(private_key(dh, scene.theirs)) if scene.theirs else None
        remote = functions.create_public(scene.our_public) if scene.our_public else None
        self.handshake = part("processing.impl.handshakestate", "HandshakeState")(self.symmetric, functions)
        self.handshake.initialize(pattern, not scene.we_begin, scene.prologue, s=static, rs=remote, psks=scene.psks or None)
        assert self.handshake.protocol_name == scene.protocol.name
        self.begins = not scene.we_begin

    def write(self, payload: bytes) -> bytes:
        message = bytearray()
        self._end(self.handshake.write_message(payload, message))
        return bytes(message)

    def read(self, message: bytes) -> bytes:
        payload = bytearray()
        self._end(self.handshake.read_message(message, payload))
        return bytes(payload)

    def _end(self, states: Any) -> None:
        if states:
            self.sending, self.receiving = states if self.begins else reversed(states)

    @property
    def handshake_hash(self) -> bytes:
        return bytes(self.symmetric.get_handshake_hash())

    def seal(self, data: bytes) -> bytes:
        return bytes(self.sending.encrypt_with_ad(b"", data))

    def open(self, data: bytes) -> bytes:
        return bytes(self.receiving.decrypt_with_ad(b"", data))

    def rekey_sending(self) -> None:
        rekey_and_count_on(self.sending)

    def rekey_receiving(self) -> None:
        rekey_and_count_on(self.receiving)


def rekey_and_count_on(state: Any) -> None:
    """dissononce's own rekey() does not cut the new key to 32 bytes (4.2), and restarts its count (11.3)."""
    count = state._nonce
    state.initialize_key(state.cipher.rekey(state._key)[:32])
    state.set_nonce(count)


def part(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"dissononce.{module}"), name)


def private_key(dh: str, raw: bytes) -> Any:
    return part(f"dh.x{dh}.private", "PrivateKey")(raw)


def handshake_pattern(name: str) -> Any:
    kind = "oneway" if len(name) == 1 else "deferred" if "1" in name else "interactive"
    return part(f"processing.handshakepatterns.{kind}.{name}", f"{name}HandshakePattern")()


@contextmanager
def quiet() -> Iterator[None]:
    """dissononce logs every token, keys included, at DEBUG and INFO: not here."""
    logger = logging.getLogger("dissononce")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
