"""Reflect everything: the server talks to itself."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import Evidence


class ReflectAll(Attack):
    """Answers the server with its own frames and lets nothing of the client through.

    The client is not needed at all: one side's own words make the whole conversation.
    """

    name = "reflect-all"
    row = "A02"
    reference = "Selfie, Drucker and Gueron 2019, TLS 1.3 with pre-shared keys"
    defences = {Property.DIRECTION_KEYS}

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        if passing.handshake:
            interceptor.forward(passing)
        elif passing.sender is Role.RESPONDER:
            interceptor.log(f"sent the server's frame {passing.index} back to it")
            interceptor.send(Role.RESPONDER, passing.kind or MESSAGE, passing.payload)

    def succeeded(self, evidence: Evidence) -> bool:
        own = set(evidence.said_by(Role.RESPONDER))
        shown = evidence.shown_to(Role.RESPONDER)
        return bool(shown) and set(shown) <= own and not evidence.sides[Role.RESPONDER].alarms


@hookimpl
def layers() -> list[type[ReflectAll]]:
    return [ReflectAll]
