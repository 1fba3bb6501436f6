"""Ordering: let messages arrive in another order."""

from plytalk.core.contracts.attack import Attack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl

FRAMES = 6
"""How many frames are collected and reversed: as many as the client says lines in the lab."""


class Reorder(Attack):
    """Holds back one frame of the client until the next has passed.

    Yes and no, buy and sell: every message is true, and the order changes what they mean.
    """

    name = "reorder"
    threat = "A04"
    reference = "MTProto, message reordering, 2021"
    target = Target.ORDER
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(0, 4)
        self._held_back: InterceptedFrame | None = None

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if not frame.is_message_from(Role.INITIATOR):
            interceptor.forward(frame)
        elif frame.index == self._at:
            self._held_back = frame
        else:
            interceptor.forward(frame)
            if self._held_back:
                interceptor.log(f"sent the client's frame {self._at} after frame {frame.index}")
                interceptor.forward(self._held_back)
                self._held_back = None

    def succeeded(self, evidence: Evidence) -> bool:
        shown, said = evidence.participants[Role.RESPONDER].shown, evidence.participants[Role.INITIATOR].said
        return sorted(shown) == sorted(said) and shown != said and not evidence.alarmed


class Reverse(Attack):
    """Collects the client's frames and forwards them in reverse order, the goodbye last.

    The extreme of reordering: each message is unchanged, and the attacker chooses the order.
    """

    name = "reverse"
    threat = "A04"
    reference = "MTProto, message reordering, 2021"
    target = Target.ORDER
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._collected: list[InterceptedFrame] = []

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if not frame.is_message_from(Role.INITIATOR):
            interceptor.forward(frame)
            return
        self._collected.append(frame)
        if len(self._collected) == FRAMES:
            interceptor.log("sent the client's six frames in reverse")
            for collected in reversed(self._collected):
                interceptor.forward(collected)
        elif len(self._collected) > FRAMES:
            interceptor.forward(frame)

    def succeeded(self, evidence: Evidence) -> bool:
        shown = evidence.participants[Role.RESPONDER].shown
        return bool(shown) and shown != evidence.participants[Role.INITIATOR].said and not evidence.alarmed


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Reorder, Reverse]
