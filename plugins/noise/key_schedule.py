"""The key schedule of a handshake, for a trace with secrets: each step with its inputs and outputs.

The steps of a pattern are always the same: each token hashes something, or mixes a key, or does both (Noise, section 5.3).
"""

from collections.abc import Iterator

from plytalk.core.contracts.handshake import Disclose
from plytalk.core.contracts.spans import Span
from plytalk.plugins.noise import payload
from plytalk.plugins.noise.message_spans import proof
from plytalk.plugins.noise.patterns import Pattern
from plytalk.plugins.noise.primitives import KEY_LENGTH, CipherFunctions, Hash
from plytalk.plugins.noise.states import SymmetricState

MESSAGES = "ABCDEFGH"
SECRET = {"psk"}
"""Inputs that are secret beyond this conversation, and are not traced."""


class DisclosedState(SymmetricState):
    """A SymmetricState that traces each step, and the keys of the two directions."""

    __slots__ = ("_disclose", "_steps")

    def __init__(self, disclose: Disclose, pattern: Pattern, name: str, hashing: Hash, ciphers: CipherFunctions) -> None:
        super().__init__(name, hashing, ciphers)
        self._disclose, self._steps = disclose, steps(pattern)
        self._told("start: protocol name", ("h", self.h, f"{name}, hashed if longer than h"), ("ck", self.ck, "the same as h"))

    def mix_hash(self, data: bytes | bytearray) -> None:
        super().mix_hash(data)
        self._told(next(self._steps), ("h", self.h, "h before, what is hashed"))

    def encrypt_and_hash(self, plaintext: bytes) -> bytes:
        ciphertext = super().encrypt_and_hash(plaintext)
        self._opened(plaintext)
        return ciphertext

    def decrypt_and_hash(self, ciphertext: bytes) -> bytes:
        plaintext = super().decrypt_and_hash(ciphertext)
        self._opened(plaintext)
        return plaintext

    def _opened(self, plaintext: bytes) -> None:
        """Trace the plaintext of a part of a message; for an identity, each part of the proof."""
        is_proof = len(plaintext) in (payload.LENGTH, payload.UNDATED)
        inside = proof(plaintext) if is_proof else [Span("plaintext", 0, len(plaintext))]
        parts = [(span.name, plaintext[span.start : span.end], span.made_of) for span in inside if span.size]
        self._told(next(self._steps), *parts, ("h", self.h, "h before, what was sent"))

    def _next(self, material: bytes, outputs: int) -> list[bytearray]:
        others = super()._next(material, outputs)
        step = next(self._steps)
        token = step.rpartition(" ")[2]
        mixed = [] if token in SECRET else [("input", material, f"what `{token}` gives both sides")]
        made = [("ck", self.ck), *zip(("k",) if outputs == 2 else ("hashed", "k"), others, strict=True)]
        self._told(step, *mixed, *((name, bytes(key), "HKDF of ck before and input") for name, key in made))
        return others

    def _last(self) -> list[bytearray]:
        outputs = super()._last()
        for name, output in zip(("client key", "server key"), outputs, strict=True):
            self._disclose(name, bytes(output[:KEY_LENGTH]))
        return outputs

    def _told(self, step: str, *parts: tuple[str, bytes, str]) -> None:
        spans, at = list[Span](), 0
        for name, data, made_of in parts:
            spans.append(Span(name, at, len(data), made_of=made_of))
            at += len(data)
        self._disclose(step, b"".join(data for _, data, _ in parts), spans)


def steps(pattern: Pattern) -> Iterator[str]:
    """Yield the steps of a pattern in order, by message and token: one for each hash and each mixed key."""
    yield "start: prologue"
    for token in pattern.initiator_pre + pattern.responder_pre:
        yield from (f"start: {token}" for _ in of_token(token, pattern))
    for letter, tokens in zip(MESSAGES, pattern.messages, strict=False):
        for token in (*tokens, "payload"):
            yield from (f"message {letter}: {token}" for _ in of_token(token, pattern))


def of_token(token: str, pattern: Pattern) -> range:
    """Return a range as long as the number of steps of a token."""
    twice = {"psk", "ekem1", "e"} if pattern.psks else {"ekem1"}
    return range(2 if token in twice else 1)
