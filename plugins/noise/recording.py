"""A recorded handshake of plytalk/1, as an attacker reads it who can break X25519 (`break-x25519-later`).

Nobody can, so `Broken` takes the keys when they are made. The rest is the handshake of the specification (Noise, section 7.5,
pattern XX; hfs, section 4), with the private key of one side for each X25519 result. The KEM's secret stays unknown.
"""

from collections.abc import Mapping
from typing import Any

from plytalk.core.contracts.errors import LocalError
from plytalk.plugins.noise import preamble
from plytalk.plugins.noise.primitives import MLKEM768, TAG_LENGTH, X25519
from plytalk.plugins.noise.protocol import named
from plytalk.plugins.noise.states import CipherState, SymmetricState

UNKNOWN = bytes(32)


class Broken:
    """From now until `stop`, every X25519 key that is made in this process is known, by its public key."""

    def __init__(self) -> None:
        self.keys: dict[bytes, Any] = {}
        self._type = X25519.private_type
        X25519.private_type = self

    def generate(self) -> Any:
        private = self._type.generate()
        self.keys[private.public_key().public_bytes_raw()] = private
        return private

    def stop(self) -> None:
        """Take no more keys."""
        X25519.private_type = self._type


def read(offer: bytes, answer: bytes, messages: tuple[bytes, bytes, bytes], keys: Mapping[bytes, Any]) -> CipherState:
    """The client's cipher state. Raises Tampered where the recording does not open, LocalError
    where a key is not there."""
    protocol = named(preamble.suite(preamble.Answer.decode(answer).chosen))
    state = SymmetricState(protocol.name, protocol.hash, protocol.cipher)
    state.mix_hash(preamble.prologue(offer, answer))
    a, b, c = messages

    def result(private: bytes, public: bytes) -> bytes:
        if private not in keys:
            raise LocalError("This key was made in another process, of which the lab has no keys.")
        return keys[private].exchange(X25519.public_type.from_public_bytes(public))  # type: ignore[no-any-return]

    client, a = a[: X25519.dhlen], a[X25519.dhlen :]
    state.mix_hash(client)
    if protocol.kem:
        a = a[len(state.decrypt_and_hash(a[: MLKEM768.publickeylen])) :]
    state.decrypt_and_hash(a)

    server, b = b[: X25519.dhlen], b[X25519.dhlen :]
    state.mix_hash(server)
    state.mix_key(result(client, server))
    if protocol.kem:
        length = MLKEM768.ciphertextlen + TAG_LENGTH
        state.decrypt_and_hash(b[:length])
        b = b[length:]
        state.mix_key(UNKNOWN)
    length = X25519.dhlen + TAG_LENGTH
    state.mix_key(result(client, state.decrypt_and_hash(b[:length])))
    state.decrypt_and_hash(b[length:])

    state.mix_key(result(server, state.decrypt_and_hash(c[:length])))
    state.decrypt_and_hash(c[length:])
    return state.split()[0]
