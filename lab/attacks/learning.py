"""What an eavesdropper can learn, even if the words are not in the traffic.

Secrecy means that nobody on the network path can tell two messages apart. So a conversation counts as read if one of these holds:

- the words are in the bytes that passed;
- two messages were sealed with the same key stream: then ciphertext XOR ciphertext is plaintext XOR plaintext;
- equal pieces of plaintext became equal pieces of ciphertext, and different ones different ones;
- the bytes of a ciphertext occur as often as those of its plaintext: letters were exchanged or moved;
- the keys of another conversation open it;
- a key passed in the clear, can be computed from what passed in the clear, is one byte repeated, or was the key of an earlier
  conversation.

The lab takes plaintexts and keys from both participants' programs. It uses them to judge what an attacker could find; attacks do
not get them.
"""

import hashlib
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, permutations

from plytalk.core.pipeline.tracing import IN, OUT, TraceEvent

PIECE = 16
"""As many equal bytes as this are not a coincidence."""
SHORTEST = 8
"""Shorter pieces of ciphertext could be equal by chance, and shorter keys could be in the bytes by chance."""
LONGEST_PREFIX = 32
"""How many bytes a cipher may put before its ciphertext: a nonce, say."""
MOST_PAYLOADS = 4
HASHES = ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b", "blake2s")
"""What is tried to compute a key from what passed in the clear."""


class SecretTrace:
    """A trace of one participant's program: the plaintexts it packed and their ciphertexts, what it accepted as a ciphertext and
    its plaintext, and its keys.

    `steps` are the messages of the handshake that it sent, each with its name and the authenticator that made it, if one did.
    """

    secrets = True

    def __init__(self) -> None:
        self.packed: list[bytes] = []
        self.sealed: list[bytes] = []
        self.accepted: list[tuple[bytes, bytes]] = []
        self.keys: set[bytes] = set()
        self.steps: list[tuple[str, str]] = []
        self._arriving = b""

    def __call__(self, event: TraceEvent) -> None:
        match event.layer, event.way:
            case "messages", way if way == OUT:
                self.packed.append(bytes(event.data))
            case "messages", way if way == IN:
                self.accepted.append((self._arriving, bytes(event.data)))
            case "cipher", way if way == IN:
                self._arriving = bytes(event.data)
            case "cipher", way if way == OUT:
                self.sealed.append(bytes(event.data))
            case "handshake", way if way == OUT:
                self.steps.append((event.what, event.fields.get("by", "")))
            case "keys", _:
                self.keys.add(bytes(event.data))

    @property
    def pairs(self) -> list[tuple[bytes, bytes]]:
        """Each plaintext with its ciphertext."""
        return list(zip(self.packed, self.sealed, strict=False))


def learned(
    traces: Sequence[SecretTrace],
    passed: bytes,
    words: str,
    earlier_keys: Iterable[bytes] = (),
    in_the_clear: Sequence[bytes] = (),
    opened: bytes = b"",
) -> Iterator[str]:
    """Each way in which an eavesdropper can read the conversation, as a sentence.

    `passed` is what both participants sent, `in_the_clear` the payloads of the handshake, and `opened` what the keys of another
    conversation made of the rest.
    """
    if words.encode() in passed:
        yield "the words are in what passed"
    keys = {key for trace in traces for key in trace.keys if len(key) >= SHORTEST}
    if any(form in passed for key in keys for form in forms(key)):
        yield "a key is in what passed"
    if keys & set(digests(in_the_clear)):
        yield "a key is a hash of what passed in the clear"
    if words.encode() in opened:
        yield "the keys of another conversation open it"
    if any(len(set(key)) == 1 for key in keys):
        yield "a key is one byte repeated"
    if keys & set(earlier_keys):
        yield "a key is that of an earlier conversation"
    if same_stream([pair for trace in traces for pair in trace.pairs]):
        yield "two messages were sealed with the same key stream"
    if any(equal_pieces(trace.pairs) for trace in traces):
        yield "equal pieces of plaintext became equal pieces of ciphertext"
    if any(same_counts(trace.pairs) for trace in traces):
        yield "the bytes of ciphertexts occur as often as those of their plaintexts"


def forms(key: bytes) -> tuple[bytes, ...]:
    """The ways in which a key may be written in a message."""
    encoded = (encode(key).rstrip(b"=") for encode in (b64encode, urlsafe_b64encode))
    return key, key.hex().encode(), key.hex().upper().encode(), *encoded


def digests(payloads: Sequence[bytes]) -> Iterator[bytes]:
    """Hashes of these payloads, alone and one behind another in any order, and the first halves and second halves of these."""
    for size in range(1, min(len(payloads), MOST_PAYLOADS) + 1):
        for some in permutations(payloads[:MOST_PAYLOADS], size):
            for name in HASHES:
                digest = hashlib.new(name, b"".join(some)).digest()
                yield from (digest, digest[:32], digest[32:], digest[:16], digest[16:])


def same_counts(pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether the bytes of each ciphertext, at the same place, occur as often as those of its plaintext: the letters changed
    their places or were exchanged for others.
    """
    some = [(plain, sealed) for plain, sealed in pairs if PIECE <= len(plain) <= len(sealed)]
    places = range(min((len(sealed) - len(plain) for plain, sealed in some), default=-1) + 1)
    return any(all(counts(plain) == counts(sealed[at : at + len(plain)]) for plain, sealed in some) for at in places)


def counts(data: bytes) -> list[int]:
    return sorted(Counter(data).values())


def same_stream(pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether two ciphertexts differ exactly where their plaintexts do, and by as much."""
    for (plain, sealed), (other, other_sealed) in combinations(pairs, 2):
        size = min(len(plain), len(other))
        difference = number(plain[:size]) ^ number(other[:size])
        if size < SHORTEST or not difference:
            continue
        for at in range(min(LONGEST_PREFIX, len(sealed) - size, len(other_sealed) - size) + 1):
            if number(sealed[at : at + size]) ^ number(other_sealed[at : at + size]) == difference:
                return True
    return False


def number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def equal_pieces(pairs: Sequence[tuple[bytes, bytes]]) -> bool:
    """Whether at some position ciphertexts are equal exactly for the messages whose plaintexts are equal there."""
    longest = max((len(sealed) for _, sealed in pairs), default=0)
    for at in range(longest - PIECE + 1):
        here = [(plain, sealed[at : at + PIECE]) for plain, sealed in pairs if len(sealed) >= at + PIECE]
        kinds = len({piece for _, piece in here})
        if not 1 < kinds < len(here):
            continue
        for prefix in range(min(LONGEST_PREFIX, at) + 1):
            start = at - prefix
            if one_to_one([(plain[start : start + PIECE], piece) for plain, piece in here]):
                return True
    return False


def one_to_one(both: Sequence[tuple[bytes, bytes]]) -> bool:
    return len({plain for plain, _ in both}) == len({piece for _, piece in both}) == len(set(both))
