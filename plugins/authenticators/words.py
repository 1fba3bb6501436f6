"""`--words`: two people read three words to each other. With a man in the middle, the words differ.

    client                                    server
      | --- SHA256("plytalk/1 sas" h r_I) ---> |     h is the binding of this authenticator: HKDF of the handshake hash
      | <-- r_R ------------------------------ |     r_I and r_R are 32 random bytes
      | --- r_I -----------------------------> |     which must be what was committed to
      |      (both people are asked)           |
      | --- "yes"                    "yes" --- |     sealed, as all of this is; nobody may talk before both have come

The words encode the first 24 bits of HKDF-SHA256 (RFC 5869) with the empty salt, h r_I r_R as input and the info
`plytalk/1 words`. Each side is bound to its random number before it sees the other side's, so an attacker has one try in 16.8
million and nothing to grind.
"""

import os
from collections.abc import Iterator
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk.core.contracts.authenticator import Authenticator, Channel
from plytalk.core.contracts.errors import HandshakeFailed, Refused, Withdrawn, WrongSecret
from plytalk.core.contracts.layer import Option
from plytalk.core.contracts.peers import Peer, Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.spans import Passed, Span
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.trust.word_list import spoken

LENGTH, WORDS = 32, 3
COMMITMENT, DERIVATION = b"plytalk/1 sas", b"plytalk/1 words"
YES = b"yes"
STEPS = (
    ("commitment", "SHA-256 of the binding and r_I, which the client has drawn and does not show yet"),
    ("r_R", "32 random bytes of the server"),
    ("r_I", "the 32 random bytes to which the client had committed"),
    ("yes", "this side's user, who has compared the words"),
)
"""What is said, in order: by the client, the server, the client, and then by both."""


class Words(Authenticator):
    """Both people compare three words, for instance on the telephone, before they can talk."""

    name = "words"
    needs = {Property.PEER_KEY, Property.CLEAN_END}
    gives = {Property.PEER_IDENTITY}
    other_side = "--words"
    options = (
        Option("words", "Compare three words with the person on the other side before you talk.", bool, False, chooses=True),
    )

    def __init__(self, words: bool = True) -> None:
        """The flag is what chose this."""

    async def verify(self, channel: Channel, peer: Peer) -> None:
        mine, theirs = await (commit if peer.role is Role.INITIATOR else await_commitment)(channel, peer.binding)
        both = mine + theirs if peer.role is Role.INITIATOR else theirs + mine
        question = f"The three words are {' '.join(three_words(peer.binding, both))}. Does the other side read the same?"
        try:
            same = await peer.confirm(question, "Compare words on a terminal, or give --peer, --psk-file or --code instead.")
        except Withdrawn as error:
            raise Refused(
                "The other side did not say yes to the words: it disconnected while you were asked, so the question is withdrawn."
            ) from error
        if not same:
            raise Refused("You said no to the words: if they differ, someone is between you and the other side.")
        await channel.send(YES)
        try:
            answer = await channel.receive(person=True)
        except HandshakeFailed as error:
            raise Refused("The other side did not say yes to the words: ask it what it reads.") from error
        if answer != YES:
            raise Refused("The other side did not say yes to the words.")

    def fields(self, message: Passed) -> Iterator[Span]:
        name, made_of = STEPS[min(message.number, len(STEPS) - 1)]
        yield Span(name, 0, len(message.data), made_of=made_of)


async def commit(channel: Channel, h: bytes) -> tuple[bytes, bytes]:
    """The client's part: its own random number and the server's. Raises HandshakeFailed."""
    mine = os.urandom(LENGTH)
    await channel.send(commitment(h, mine))
    theirs = await random_number(channel)
    await channel.send(mine)
    return mine, theirs


async def await_commitment(channel: Channel, h: bytes) -> tuple[bytes, bytes]:
    """The server's part. Raises WrongSecret where the client shows another number than it committed to."""
    mine = os.urandom(LENGTH)
    promised = await channel.receive()
    await channel.send(mine)
    theirs = await random_number(channel)
    if commitment(h, theirs) != promised:
        raise WrongSecret("The other side changed its part of the words after it had seen ours: someone is between you.")
    return mine, theirs


async def random_number(channel: Channel) -> bytes:
    number = await channel.receive()
    if len(number) != LENGTH:
        raise Refused("The other side sent something else than its part of the words: give --words on both sides.")
    return number


def commitment(h: bytes, number: bytes) -> bytes:
    """What the client sends first: it says nothing about the number, and leaves no other choice."""
    return sha256(COMMITMENT + h + number).digest()


def three_words(h: bytes, numbers: bytes) -> tuple[str, ...]:
    """The words for a binding and both random numbers, the client's first."""
    return spoken(HKDF(SHA256(), WORDS, None, DERIVATION).derive(h + numbers))


@hookimpl
def layers() -> list[type[Words]]:
    return [Words]
