"""Insiders: what a peer can do that the server has let in. The handshake is honest, and what follows is not."""

from abc import abstractmethod
from typing import NamedTuple

from plytalk.core.bases.attacking import Takeover, wait_until_idle
from plytalk.core.contracts.attack import Attack, AttackedStack, AttackerConnection, Evidence, Interceptor, Target
from plytalk.core.contracts.items import Close
from plytalk.core.contracts.limits import DEFAULT_LIMITS
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.contracts.sanitise import clean
from plytalk.core.registry.hookspecs import hookimpl


class Insider(Takeover):
    """An attack by a client that the server has let in; `misbehave` sends what no honest client sends."""

    async def take_over(self, interceptor: Interceptor) -> None:
        connection = await interceptor.impersonate(Role.INITIATOR)
        await connection.open()
        await wait_until_idle()
        self.misbehave(connection, interceptor)
        await wait_until_idle()

    @abstractmethod
    def misbehave(self, connection: AttackerConnection, interceptor: Interceptor) -> None:
        """Send the server something."""


class LongMessage(Insider):
    """Sends a message that is longer than the limit, in as many parts as it takes.

    A limit that holds only during the handshake does not limit those who have got in.
    """

    name = "long-message"
    threat = "A40"
    reference = "russh CVE-2026-48110, a length that was believed"
    target = Target.PROGRAM

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._size = 0

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        [framer] = stack.classes["framer"]
        return Property.BOUNDARIES in framer.gives  # otherwise a message is whatever one read returns

    def misbehave(self, connection: AttackerConnection, interceptor: Interceptor) -> None:
        # A frame may be longer than a message by what its cipher adds.
        self._size = DEFAULT_LIMITS.message + connection.cipher.overhead + 1
        interceptor.log(f"sent the server a message of {self._size:,} bytes")
        connection.say("x" * self._size)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(len(line.encode()) >= self._size for line in evidence.participants[Role.RESPONDER].shown)


class Escapes(Insider):
    """Sends text that a terminal obeys: a new title, a cleared screen, words that run backwards.

    A terminal carries out the control characters in what it shows.
    """

    name = "escapes"
    threat = "A30"
    reference = "croc CVE-2023-43620"
    target = Target.PROGRAM

    def misbehave(self, connection: AttackerConnection, interceptor: Interceptor) -> None:
        interceptor.log("sent the server terminal escapes")
        for words in ("\x1b]0;owned\x07\x1b[2Jgone", "one\rtwo \u202ethree\x9b2J"):
            connection.say(words)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(clean(line) != line for line in evidence.participants[Role.RESPONDER].shown)


class FalseCount(NamedTuple):
    """A count that is not the cipher's."""

    sealed_count: int


class FalseGoodbye(Insider):
    """Says a goodbye that counts one more record than the server received, as if one were lost.

    A wrong count that is believed can hide that something is missing.
    """

    name = "false-goodbye"
    threat = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"
    target = Target.END

    @classmethod
    def applies(cls, stack: AttackedStack) -> bool:
        [messages] = stack.classes["messages"]
        return Property.CLEAN_END in messages.gives

    def misbehave(self, connection: AttackerConnection, interceptor: Interceptor) -> None:
        interceptor.log("said a goodbye that counts a record which was never sent")
        if hasattr(connection.messages, "count_by") and hasattr(connection.cipher, "sealed_count"):
            connection.messages.count_by(FalseCount(connection.cipher.sealed_count + 1))
        connection.say(Close())

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[Role.RESPONDER].ended_cleanly


@hookimpl
def attacks() -> list[type[Attack]]:
    return [LongMessage, Escapes, FalseGoodbye]
