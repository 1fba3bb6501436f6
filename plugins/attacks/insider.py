"""What a peer can do that has got in: the handshake is honest, and what follows is not."""

import os
from abc import abstractmethod

from plytalk.core.contracts.items import Close
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Takeover
from plytalk.lab.attacks.interceptor import Interceptor, Leg
from plytalk.lab.attacks.run import Evidence
from plytalk.lab.attacks.sides import quiet


class Insider(Takeover):
    """An attack by a client that the server has let in; `misbehave` sends it what no honest client sends."""

    async def take(self, interceptor: Interceptor) -> None:
        leg = interceptor.leg(Role.INITIATOR)
        await leg.open()
        await quiet()
        self.misbehave(leg, interceptor)
        await quiet()

    @abstractmethod
    def misbehave(self, leg: Leg, interceptor: Interceptor) -> None:
        """Send the server something."""


class LongMessage(Insider):
    """Sends a message that is longer than a message may be, in as many parts as it takes.

    A limit that holds only during the handshake is none for those who have got in.
    """

    name = "long-message"
    row = "A40"
    reference = "russh CVE-2026-48110, a length that was believed"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return Property.BOUNDARIES in stack.framer.gives  # otherwise a message is what one read happens to bring

    def misbehave(self, leg: Leg, interceptor: Interceptor) -> None:
        interceptor.log(f"sent the server a message of {Limits.message + 1:,} bytes")
        for plaintext in leg.messages.pack(["x" * (Limits.message + 1)]):
            leg.send(plaintext)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(len(line.encode()) > Limits.message for line in evidence.shown_to(Role.RESPONDER))


class Escapes(Insider):
    """Sends words that a terminal obeys: a new title, a cleared screen, text that runs backwards.

    What a peer says is shown by a program that does what it reads.
    """

    name = "escapes"
    row = "A30"
    reference = "croc CVE-2023-43620"

    def misbehave(self, leg: Leg, interceptor: Interceptor) -> None:
        interceptor.log("sent the server terminal escapes")
        for words in ("\x1b]0;owned\x07\x1b[2Jgone", "one\rtwo \u202ethree\x9b2J"):
            for plaintext in leg.messages.pack([words]):
                leg.send(plaintext)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(clean(line) != line for line in evidence.shown_to(Role.RESPONDER))


class FalseGoodbye(Insider):
    """Says a goodbye that counts a record more than the server got, as if one were lost.

    An end that counts wrongly and is believed can hide that something is missing.
    """

    name = "false-goodbye"
    row = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return Property.CLEAN_END in stack.make_messages.gives

    def misbehave(self, leg: Leg, interceptor: Interceptor) -> None:
        interceptor.log("said a goodbye that counts a record which was never sent")
        leg.messages.pack(["never sent"])
        for plaintext in leg.messages.pack([Close()]):
            leg.send(plaintext)

    def succeeded(self, evidence: Evidence) -> bool:
        server = evidence.sides[Role.RESPONDER]
        return server.ending is not None and not server.ending.error


class WrongProof(Takeover):
    """Holds the pre-shared key, and proves it with the proof of another conversation.

    A proof that is received and not compared proves nothing.
    """

    name = "wrong-proof"
    row = "A01"
    reference = "Apple CVE-2014-1266, goto fail: a signature that was read and not checked"

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return any(auth.agrees for auth in stack.auths)

    async def take(self, interceptor: Interceptor) -> None:
        leg = interceptor.leg(Role.INITIATOR, await interceptor.leaked(Role.INITIATOR))
        await leg.shake()
        interceptor.log("sent the server the proof of another conversation")
        await leg.channel.send(os.urandom(32))
        await leg.channel.receive()

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.sides[Role.RESPONDER].opened


class Uninvited(Takeover):
    """Connects to the server with a key, a code or words of the attacker's own, and hopes to be let in.

    Where a server goes by no list and no secret, everybody who can reach it is a guest.
    """

    name = "uninvited"
    row = "A56"
    reference = "Redis CVE-2022-0543, on servers that were open to all"
    defences = {Property.PEER_IDENTITY}
    victims = frozenset({Role.RESPONDER})

    @classmethod
    def applies(cls, stack: Stack) -> bool:
        return stack.handshake.speaks_first is not None

    async def take(self, interceptor: Interceptor) -> None:
        await interceptor.leg(Role.INITIATOR).open()

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.sides[Role.RESPONDER].opened


@hookimpl
def layers() -> list[type[Takeover]]:
    return [LongMessage, Escapes, FalseGoodbye, WrongProof, Uninvited]
