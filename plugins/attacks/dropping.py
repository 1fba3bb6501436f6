"""Dropping: let messages disappear."""

from collections.abc import Set as AbstractSet
from typing import ClassVar

from plytalk.core.contracts.attack import Attack, Evidence, InterceptedFrame, Interceptor, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class Dropping(Attack):
    """An attack that keeps the frames of `sender` with these `indexes` from arriving."""

    threat = "A04"
    reference = "Terrapin, CVE-2023-48795"
    target = Target.ORDER
    defences = {Property.ORDER}
    sender: ClassVar[Role] = Role.INITIATOR
    indexes: AbstractSet[int]

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        if frame.is_message_from(self.sender) and frame.index in self.indexes:
            interceptor.log(f"dropped the {self.sender.value}'s frame {frame.index}")
        else:
            interceptor.forward(frame)

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.faithful(self.sender) and not evidence.alarmed


class Drop(Dropping):
    """Drops one frame of the client, which the seed chooses.

    Where nothing is counted, a missing message leaves no trace: the payment arrives, and its cancellation does not.
    """

    name = "drop"

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.indexes = {self.random.randrange(0, 5)}


class DropFirst(Dropping):
    """Drops the client's first two frames.

    A counter that starts at the first message it sees does not notice what is missing before it.
    """

    name = "drop-first"
    indexes = frozenset({0, 1})


class DropAnswers(Dropping):
    """Drops two frames of the server, which the seed chooses.

    Programs have been released whose defences hold in one direction only.
    """

    name = "drop-answers"
    sender = Role.RESPONDER

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self.indexes = set(self.random.sample(range(5), 2))


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Drop, DropFirst, DropAnswers]
