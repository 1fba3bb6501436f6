"""Relaying: what a relay can do with the conversations that it passes on, in its own place between both sides."""

from plytalk.core.bases.attacking import CutsBothWays, Takeover
from plytalk.core.contracts.attack import CANARY, Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl

RELAY = "relay"
CUT_AFTER = KEPT = 2
"""Numbers of the client's frames: behind those with which it enters."""


def is_relayed(stack: AttackedStack) -> bool:
    """Whether a relay is in this conversation."""
    return any(transport.name == RELAY for transport in stack.classes["transport"])


class RelayMisleads(Takeover):
    """A relay that takes the place of one side, `impersonated`, towards the other."""

    threat = "A57"
    reference = "croc CVE-2023-43617, whose relay could learn what it should not"
    target = Target.IDENTITY
    defences = {Property.PEER_IDENTITY}
    applies = staticmethod(is_relayed)
    impersonated: Role
    said: str

    async def take_over(self, interceptor: Interceptor) -> None:
        interceptor.log(self.said)
        await (await interceptor.impersonate(self.impersonated)).open()

    def succeeded(self, evidence: Evidence) -> bool:
        return evidence.participants[self.impersonated.other].opened


class RelayHandsOn(RelayMisleads):
    """Connects the caller to the attacker's server, which answers instead of the holder of the requested name.

    A relay chooses which server a client reaches. Only the server's key or a one-time code proves to the client which one it is.
    """

    name = "relay-hands-on"
    impersonated = Role.RESPONDER
    said = "gave the client's call to its own server, and not to the holder of that name"


class RelaySwapsTickets(RelayMisleads):
    """Connects another caller to the server with the client's ticket, and speaks to it in the client's place.

    The server answers a ticket, and cannot see who was announced by it. Without a list and without a code it lets anyone in.
    """

    name = "relay-swaps-tickets"
    victims = frozenset({Role.RESPONDER})
    impersonated = Role.INITIATOR
    said = "brought the server its own caller by the ticket that announced the client"


class RelayCuts(CutsBothWays):
    """Forwards the client's first messages, and then ends both directions, as if both sides had ended.

    A relay passes on the end of a direction as it is. Where an end is not part of the conversation, a cut looks like one.
    """

    name = "relay-cuts"
    threat = "A05"
    reference = "TLS truncation, Smyth and Pironti 2013"
    target = Target.END
    defences = {Property.CLEAN_END}
    said = "passed on the client's frame {}, and then an end in both directions"
    applies = staticmethod(is_relayed)

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.at = CUT_AFTER


class RelayReplays(Attack):
    """Keeps a message of the client, and forwards it once more instead of the next one.

    Both sides count as many messages as were said. Without numbers in what is sealed, a copy cannot be told from a new message.
    """

    name = "relay-replays"
    threat = "A03"
    reference = "KRACK, CVE-2017-13077"
    target = Target.ORDER
    defences = {Property.ORDER}
    applies = staticmethod(is_relayed)

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._kept: InterceptedFrame | None = None

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if self._kept and frame.is_message_from(Role.INITIATOR) and frame.index == KEPT + 1:
            interceptor.log(f"passed on the client's frame {KEPT} once more in place of its frame {frame.index}")
            frame = self._kept
        elif frame.is_message_from(Role.INITIATOR) and frame.index == KEPT:
            self._kept = frame
        interceptor.forward(frame)

    def succeeded(self, evidence: Evidence) -> bool:
        shown = [line for line in evidence.participants[Role.RESPONDER].shown if CANARY in line]
        return len(shown) > len(set(shown)) and not evidence.alarmed


@hookimpl
def attacks() -> list[type[Attack]]:
    return [RelayHandsOn, RelaySwapsTickets, RelayCuts, RelayReplays]
