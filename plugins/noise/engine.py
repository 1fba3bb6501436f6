"""The state machines of Noise: HandshakeState (section 5.3), over SymmetricState (5.2) and CipherState (5.1).

    HandshakeState    runs the pattern's tokens; knows the keys and whose turn it is
      SymmetricState    turns public keys, secrets and payloads into one chaining key `ck` and one hash `h`
        CipherState       one key and its counter; two of them are all that is left after `split`

Any failure is final: the state forgets its keys and refuses everything from then on. The other side's mistakes are RemoteErrors
(HandshakeFailed here, Tampered after the handshake), ours are LocalErrors.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple, NoReturn

from plytalk.core.contracts.errors import HandshakeFailed, LocalError, Tampered
from plytalk.core.contracts.handshake import Disclose
from plytalk.plugins.noise.patterns import Tokens
from plytalk.plugins.noise.primitives import TAG_LENGTH, KeyPair
from plytalk.plugins.noise.protocol import NoiseProtocol, named
from plytalk.plugins.noise.states import MAX_MESSAGE, MAX_NONCE, CipherState, SymmetricState

__all__ = ["MAX_MESSAGE", "MAX_NONCE", "PSK_LENGTH", "CipherState", "HandshakeState", "SymmetricState", "TransportState"]

PSK_LENGTH = 32  # bytes, section 9.1


class TransportState(NamedTuple):
    """The result of a handshake: a cipher state for each direction, and a hash that identifies the conversation (11.2).

    In a one-way pattern, the state of the unused direction has forgotten its key, and raises LocalError (7.4).
    """

    send: CipherState
    receive: CipherState
    handshake_hash: bytes


class HandshakeState:
    """One side of a handshake: call `write_message` and `read_message` in turn until `complete`, then `split`.

    `s` is our static key pair, and `rs` the other side's static public key if the pattern has it as a pre-message. `e` and `re`
    are only for patterns with ephemeral keys among the pre-messages (fallback); all other ephemeral keys are generated here.
    `psks` are 32 bytes each, in the order in which the pattern uses them. Raises LocalError if these are not exactly the keys
    that the pattern needs, and Usage for an unknown protocol name.
    """

    __slots__ = ("_at", "_own", "_psks", "_symmetric", "_theirs", "initiator", "protocol")

    def __init__(
        self,
        protocol: NoiseProtocol | str,
        *,
        initiator: bool,
        prologue: bytes = b"",
        s: KeyPair | None = None,
        e: KeyPair | None = None,
        rs: bytes | None = None,
        re: bytes | None = None,
        psks: Sequence[bytes] = (),
        disclose: Disclose | None = None,
    ) -> None:
        """Initialize(handshake_pattern, initiator, prologue, s, e, rs, re). `disclose` gets each step of the key schedule and
        the key of each direction, for a trace with secrets.
        """
        self.protocol = named(protocol) if isinstance(protocol, str) else protocol
        self.initiator = initiator
        # Keys by their token: "s", "e", and the KEM's "e1".
        self._own = {token: pair for token, pair in (("s", s), ("e", e)) if pair is not None}
        self._theirs = {token: public for token, public in (("s", rs), ("e", re)) if public is not None}
        self._psks = list(psks)
        self._check()
        self._at = 0  # the number of messages written and read
        pattern = self.protocol.pattern
        new: Callable[..., SymmetricState] = SymmetricState
        if disclose is not None:
            from plytalk.plugins.noise.key_schedule import DisclosedState  # loaded only for traces

            new = partial(DisclosedState, disclose, pattern)
        self._symmetric: SymmetricState = new(self.protocol.name, self.protocol.hash, self.protocol.cipher)
        self._symmetric.mix_hash(prologue)
        for pre, ours in ((pattern.initiator_pre, initiator), (pattern.responder_pre, not initiator)):
            for token in pre:  # the initiator's are hashed first
                public = self._own[token].public if ours else self._theirs[token]
                mix = {"e": self._mix_ephemeral, "s": self._symmetric.mix_hash}[token]
                mix(public)

    def _check(self) -> None:
        name, pattern, dhlen = self.protocol.name, self.protocol.pattern, self.protocol.dh.dhlen
        given = {*self._own, *("r" + token for token in self._theirs)}
        needed = pattern.needs(self.initiator)
        if given != needed:
            raise LocalError(f"{name} asks for the keys {sorted(needed)} here, and was given {sorted(given)}.")
        lengths = [len(public) for public in self._theirs.values()] + [len(pair.public) for pair in self._own.values()]
        if lengths.count(dhlen) != len(lengths):
            raise LocalError(f"A public key for {name} has {dhlen} bytes.")
        if len(self._psks) != pattern.psks or any(len(psk) != PSK_LENGTH for psk in self._psks):
            raise LocalError(f"{name} takes {pattern.psks} pre-shared keys of {PSK_LENGTH} bytes.")

    @property
    def complete(self) -> bool:
        """Whether all messages were written and read, so that `split` is next."""
        return self._at == len(self.protocol.pattern.messages)

    @property
    def my_turn(self) -> bool:
        """Whether the next message is ours to write."""
        return not self.complete and (self._at % 2 == 0) == self.initiator

    @property
    def rs(self) -> bytes | None:
        """The other side's static public key, or None before it is known. It is authenticated only once `complete`."""
        return self._theirs.get("s")

    def write_message(self, payload: bytes = b"") -> bytes:
        """WriteMessage(payload): return the next message.

        Raises LocalError out of turn, or if the message would exceed MAX_MESSAGE; HandshakeFailed if a key that the other side
        sent earlier is unusable.
        """
        tokens = self._next(writing=True)
        try:
            message = self._write(tokens, payload)
            if len(message) > MAX_MESSAGE:
                raise LocalError(f"A Noise message has {MAX_MESSAGE} bytes at most: this payload is too long.")
        except BaseException:
            self.forget()
            raise
        self._at += 1
        return message

    def read_message(self, message: bytes) -> bytes:
        """ReadMessage(message): return its payload.

        Raises HandshakeFailed if the message is too short, too long, or does not decrypt; LocalError out of turn.
        """
        tokens = self._next(writing=False)
        try:
            if len(message) > MAX_MESSAGE:
                raise HandshakeFailed(f"A handshake message is longer than the {MAX_MESSAGE} bytes it may have.")
            payload = self._read(tokens, bytes(message))
        except Tampered as error:
            self.forget()
            raise HandshakeFailed(
                f"Handshake message {self._at + 1} does not decrypt: it was changed in transit, or the keys differ."
            ) from error
        except BaseException:
            self.forget()
            raise
        self._at += 1
        return payload

    def split(self) -> TransportState:
        """Split(): call this once, after the last message. It forgets the secrets. Raises LocalError at any other time."""
        if not hasattr(self, "_symmetric") or not self.complete:
            raise LocalError("Keys are there once, at the end of a handshake that did not fail.")
        first, second = self._symmetric.split()
        if self.protocol.pattern.one_way:  # 7.4: the second one must never be used
            second.forget()
        send, receive = (first, second) if self.initiator else (second, first)
        transport = TransportState(send, receive, self._symmetric.h)
        self.forget()
        return transport

    def forget(self) -> None:
        """Drop every private key, pre-shared key and chaining key. All later calls raise LocalError."""
        self._own.clear()
        self._psks.clear()
        if hasattr(self, "_symmetric"):
            del self._symmetric

    def _next(self, writing: bool) -> Tokens:
        if not hasattr(self, "_symmetric"):
            raise LocalError("This handshake is over.")
        if self.complete:
            raise LocalError("The handshake is complete: split() is next.")
        if self.my_turn != writing:
            raise LocalError("It is the other side's turn." if writing else "It is this side's turn.")
        return self.protocol.pattern.messages[self._at]

    def _write(self, tokens: Tokens, payload: bytes) -> bytes:
        state, dh, kem = self._symmetric, self.protocol.dh, self.protocol.kem
        parts = []
        for token in tokens:
            match token:
                case "e":
                    pair = self._own["e"] = dh.generate_keypair()
                    parts.append(pair.public)
                    self._mix_ephemeral(pair.public)
                case "s":
                    parts.append(state.encrypt_and_hash(self._own["s"].public))
                case "psk":  # 9.2
                    state.mix_key_and_hash(self._psks.pop(0))
                case "e1":  # hfs section 4
                    assert kem is not None  # a protocol name without KEM has no such token
                    pair = self._own["e1"] = kem.generate_keypair()
                    parts.append(state.encrypt_and_hash(pair.public))
                case "ekem1":  # hfs section 4: the ciphertext is encrypted with the old key
                    assert kem is not None
                    ciphertext, secret = kem.encapsulate(self._theirs["e1"])
                    parts.append(state.encrypt_and_hash(ciphertext))
                    state.mix_key(secret)
                case _:
                    self._mix_dh(token)
        parts.append(state.encrypt_and_hash(payload))
        return b"".join(parts)

    def _read(self, tokens: Tokens, message: bytes) -> bytes:
        state, dh, kem = self._symmetric, self.protocol.dh, self.protocol.kem
        for token in tokens:
            match token:
                case "e":
                    self._theirs["e"], message = _cut(message, dh.dhlen)
                    self._mix_ephemeral(self._theirs["e"])
                case "s":
                    self._theirs["s"], message = self._open(message, dh.dhlen)
                case "psk":  # 9.2
                    state.mix_key_and_hash(self._psks.pop(0))
                case "e1":  # hfs section 4
                    assert kem is not None
                    self._theirs["e1"], message = self._open(message, kem.publickeylen)
                case "ekem1":  # hfs section 4
                    assert kem is not None
                    ciphertext, message = self._open(message, kem.ciphertextlen)
                    state.mix_key(kem.decapsulate(self._own["e1"], ciphertext))
                case _:
                    self._mix_dh(token)
        return state.decrypt_and_hash(message)

    def _mix_ephemeral(self, public: bytes) -> None:
        self._symmetric.mix_hash(public)
        if self.protocol.pattern.psks:  # 9.2: with a PSK, ephemeral keys randomise the key as well
            self._symmetric.mix_key(public)

    def _mix_dh(self, token: str) -> None:
        """Mix in the result of a DH. The token `es` means the initiator's ephemeral key with the responder's static key."""
        mine, theirs = (token[0], token[1]) if self.initiator else (token[1], token[0])
        self._symmetric.mix_key(self.protocol.dh.dh(self._own[mine], self._theirs[theirs]))

    def _open(self, message: bytes, length: int) -> tuple[bytes, bytes]:
        field, rest = _cut(message, length if self._symmetric.cipher is None else length + TAG_LENGTH)
        return self._symmetric.decrypt_and_hash(field), rest

    def __repr__(self) -> str:
        side = "initiator" if self.initiator else "responder"
        return f"<HandshakeState {self.protocol.name} {side}, {self._at} messages>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A handshake is not to be written anywhere.")


def _cut(message: bytes, length: int) -> tuple[bytes, bytes]:
    if len(message) < length:
        raise HandshakeFailed("A handshake message is too short.")
    return message[:length], message[length:]
