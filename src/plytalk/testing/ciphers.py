"""`check_cipher`: a cipher before everything that can happen to a sealed message on its way."""

import os
from collections.abc import Callable

from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.errors import ChatError, Tampered
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sealed_count import CountsSealed
from plytalk.testing.batch_forms import check_cipher_batch
from plytalk.testing.byte_spans import check_spans
from plytalk.testing.cutting import flipped, seeded
from plytalk.testing.others import check_layer
from plytalk.testing.verdict import demand, demand_silence, judged, shows, told

Pair = tuple[SessionSecrets, SessionSecrets]
SIZES = (0, 1, 15, 16, 17, 63, 64, 65, 255, 256, 1000, 16384, 65000)
WORDS = b"Meet me at the usual place at nine."


class Ends:
    """Makes the two ends of conversations under the same secrets: client and server."""

    def __init__(self, make: Callable[[SessionSecrets, Role], Cipher], secrets: Callable[[], Pair]) -> None:
        self._make, self._secrets = make, secrets

    def pair(self, secrets: Pair | None = None) -> tuple[Cipher, Cipher]:
        client, server = secrets or self._secrets()
        return self._make(client, Role.INITIATOR), self._make(server, Role.RESPONDER)


def keys() -> Pair:
    """32 random bytes for each direction."""
    there, back = os.urandom(32), os.urandom(32)
    return SessionSecrets(there, back), SessionSecrets(back, there)


@judged
def check_cipher(make: Callable[[SessionSecrets, Role], Cipher], secrets: Callable[[], Pair] = keys) -> None:
    """Hold a cipher to its contract and to what it claims in `gives`. Raises AssertionError.

    `make(secrets, role)` gives a new one; `secrets()` gives what a handshake would leave to the client and to the server.
    """
    ends = Ends(make, secrets)
    cipher, _ = ends.pair()
    check_layer(type(cipher))
    check_spans(cipher, cipher.seal(WORDS))
    _opens_what_it_sealed(ends)
    _keeps_conversations_apart(ends)
    _raises_nothing_but_tampered(ends)
    _refuses_odd_keys(make, cipher)
    _tells_nothing(ends, secrets)
    if Property.SECRECY in cipher.gives:
        _hides(ends)
    if Property.INTEGRITY in cipher.gives:
        _notices_changes(ends)
    if Property.DIRECTION_KEYS in cipher.gives:
        _notices_reflection(ends)
    if Property.ORDER in cipher.gives:
        _notices_disorder(ends)
        _counts_sealed(ends)
    check_cipher_batch(ends.pair)


def refused(cipher: Cipher, sealed: bytes) -> bool:
    """Whether a message does not open, which is said by raising Tampered and by nothing else."""
    try:
        cipher.open(sealed)
    except Tampered:
        return True
    except Exception as error:
        raise AssertionError(
            f"`open` raises {type(error).__name__} for {len(sealed)} bytes that `seal` did not make: raise Tampered for "
            "whatever is wrong with them, so that a peer learns nothing and breaks nothing."
        ) from error
    return False


def opens(cipher: Cipher, sealed: bytes) -> bool:
    """Whether a message opens and says what was said."""
    try:
        return cipher.open(sealed) == WORDS
    except Tampered:
        return False


def _opens_what_it_sealed(ends: Ends) -> None:
    client, server = ends.pair()
    for size in SIZES:
        for sender, receiver, end in ((client, server, "server"), (server, client, "client")):
            plaintext = seeded(size).randbytes(size)
            sealed = sender.seal(plaintext)
            demand(isinstance(sealed, bytes), "`seal` gives something that is not `bytes`.")
            demand(
                len(sealed) <= size + sender.overhead,
                f"`seal` adds {len(sealed) - size} bytes to {size}, but `overhead` says at most {sender.overhead}: the longest "
                "message would be refused by the other side.",
            )
            opened = receiver.open(sealed)
            demand(
                opened == plaintext and isinstance(opened, bytes),
                f"The {end} does not open what was sealed ({size} bytes).",
            )


def _keeps_conversations_apart(ends: Ends) -> None:
    (one, its), (other, others) = ends.pair(), ends.pair()
    for _ in range(3):
        first, second = one.seal(WORDS), other.seal(WORDS)
        demand(
            opens(others, second) and opens(its, first),
            "Two conversations at a time disturb each other: keep keys and counters on `self`, not on the class or module.",
        )


def _raises_nothing_but_tampered(ends: Ends) -> None:
    _, server = ends.pair()
    random = seeded(2)
    for length in (*range(66), 256, 5000):
        refused(server, random.randbytes(length))
        refused(ends.pair()[1], bytes(length))


def _refuses_odd_keys(make: Callable[[SessionSecrets, Role], Cipher], cipher: Cipher) -> None:
    if Property.STATES in cipher.needs:
        return
    for length in (0, 1, 15, 31, 33, 64):
        try:
            made = make(SessionSecrets.shared(os.urandom(length)), Role.INITIATOR)
        except ChatError:
            continue
        except Exception as error:
            raise AssertionError(
                f"A key of {length} bytes makes the cipher raise {type(error).__name__}: raise HandshakeFailed, saying which "
                "lengths it takes."
            ) from error
        demand(
            length or Property.SECRECY not in made.gives,
            "The cipher claims secrecy and accepts an empty key: refuse keys of a length that it is not made for.",
        )


def _tells_nothing(ends: Ends, secrets: Callable[[], Pair]) -> None:
    for spoil in (lambda sealed: sealed[:-1], lambda sealed: flipped(sealed, len(sealed) * 8 - 1), lambda sealed: b""):
        pair = secrets()  # a new pair for each: what a handshake left may be usable by one cipher only
        client, server = ends.pair(pair)
        for cipher, its in zip((client, server), pair, strict=True):
            demand_silence(repr(cipher) + str(cipher), its, "the cipher's repr")
        try:
            server.open(spoil(client.seal(WORDS)))
        except Tampered as error:
            demand_silence(told(error), pair[1], "the error's text")
            demand(not shows(told(error), WORDS), "The error's text contains the plaintext: leave it out.")


def _hides(ends: Ends) -> None:
    client, server = ends.pair()
    first, second = client.seal(WORDS), client.seal(WORDS)
    demand(WORDS not in first, "The sealed message contains the plaintext.")
    demand(
        first != second,
        "The same words look the same twice, so a listener sees who repeats what: use a fresh nonce for each message, or do not "
        "claim SECRECY.",
    )
    zeros = client.seal(bytes(64))
    pattern = bytes(a ^ b for a, b in zip(zeros, client.seal(bytes(64)), strict=False))
    demand(
        any(pattern[-48:-16]),
        "Two messages are hidden under the same keystream, so each gives the other away: never use a nonce twice with a key.",
    )
    demand(
        server.seal(WORDS) not in (first, second),
        "Both directions seal alike: two messages under one nonce give each other away.",
    )


def _notices_changes(ends: Ends) -> None:
    pair = ends.pair
    client, _ = pair()
    length = len(client.seal(WORDS))
    for bit in range(length * 8):
        client, server = pair()
        demand(
            refused(server, flipped(client.seal(WORDS), bit)),
            f"A message with bit {bit % 8} of byte {bit // 8} flipped (of {length}) is accepted: authenticate every byte before "
            "giving any plaintext, or do not claim INTEGRITY.",
        )
    for cut in range(length):
        client, server = pair()
        sealed = client.seal(WORDS)
        demand(refused(server, sealed[:cut]), f"A message cut to {cut} of its {length} bytes is accepted.")
    for extra in (b"\0", bytes(16)):
        client, server = pair()
        demand(refused(server, client.seal(WORDS) + extra), "A message with bytes added at its end is accepted.")
    (client, _), (_, stranger) = pair(), pair()
    demand(refused(stranger, client.seal(WORDS)), "A message sealed with another key is accepted.")
    client, server = pair()
    if server.tolerant:
        refused(server, bytes(length))
        demand(
            opens(server, client.seal(WORDS)),
            "After a message that did not open, a good one does not open either, though the cipher says it is `tolerant`.",
        )


def _notices_reflection(ends: Ends) -> None:
    for end in ends.pair():
        demand(
            refused(end, end.seal(WORDS)),
            "A message sent back to its sender is accepted as the other side's: use another key for each direction, or do not "
            "claim DIRECTION_KEYS.",
        )


def _notices_disorder(ends: Ends) -> None:
    client, server = ends.pair()
    sealed = [client.seal(WORDS) for _ in range(3)]
    server.open(sealed[0])
    demand(refused(server, sealed[0]), "A message sent twice is accepted twice: count messages, or do not claim ORDER.")
    client, server = ends.pair()
    sealed = [client.seal(WORDS) for _ in range(3)]
    server.open(sealed[0])
    demand(refused(server, sealed[2]), "A message is accepted though the one before it was dropped: count messages.")
    client, server = ends.pair()
    first, second = client.seal(WORDS), client.seal(WORDS)
    demand(refused(server, second), "The second message is accepted as the first: the counter must cover the first message too.")
    del first


def _counts_sealed(ends: Ends) -> None:
    client, server = ends.pair()
    if not isinstance(client, CountsSealed):
        raise AssertionError("The cipher gives ORDER and has no `sealed_count`: say how many messages it has sealed.")
    before = client.sealed_count
    server.open(client.seal(WORDS))
    client.open(server.seal(WORDS))
    demand(
        (before, client.sealed_count) == (0, 1),
        f"`sealed_count` is {before}, and {client.sealed_count} after the first message: count what this side has sealed.",
    )
