"""Replay a whole conversation: the same words to the same server, another day."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Outcome
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import CANARY, Evidence
from plytalk.lab.attacks.sides import quiet


class ReplayConversation(Attack):
    """Records what the client sends, from the first byte to the last, and sends it to the server again as a new client.

    Where the server brings nothing new into the keys, yesterday's conversation fits today.
    """

    name = "replay-conversation"
    row = "A17"
    reference = "TLS 1.3 early data, RFC 8446 section 8"
    defences = {Property.FRESHNESS}

    @classmethod
    def predict(cls, stack: Stack) -> Outcome:
        """Where only the first record proves that the client is there, the server waits for that."""
        return Outcome.DETECTED if stack.handshake.first_record_proves else super().predict(stack)

    async def after(self, interceptor: Interceptor) -> None:
        stream = await interceptor.meet()
        stream.deliver_to(lambda data: None, lambda error: None)
        await quiet()  # where the server speaks first, it has now
        interceptor.log("connected to the server and sent all that the client had sent")
        for passing in interceptor.frames:
            if passing.sender is Role.INITIATOR:
                stream.send(interceptor.encode(passing.kind or MESSAGE, passing.payload))
                await quiet()
        stream.finish()
        await quiet()
        stream.close()

    def succeeded(self, evidence: Evidence) -> bool:
        return any(CANARY in line for side in evidence.later for line in side.shown)


@hookimpl
def layers() -> list[type[ReplayConversation]]:
    return [ReplayConversation]
