"""Replaying: send again what was sent before."""

from plytalk.core.bases.attacking import wait_until_idle
from plytalk.core.contracts.attack import CANARY, Attack, AttackedStack, Evidence, InterceptedFrame, Interceptor, Outcome, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class Replay(Attack):
    """Sends a frame of the client a second time, at a position that the seed chooses.

    "Open the gate" arrives twice, and no key was needed. Without numbers, a copy cannot be told from a new message.
    """

    name = "replay"
    threat = "A03"
    reference = "KRACK, CVE-2017-13077"
    target = Target.ORDER
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._at = self.random.randrange(1, 5)
        self._first: InterceptedFrame | None = None

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        interceptor.forward(frame)
        if not frame.is_message_from(Role.INITIATOR):
            return
        if frame.index == 0:
            self._first = frame
        if frame.index == self._at and self._first:
            interceptor.log(f"sent the client's frame 0 again after frame {self._at}")
            interceptor.forward(self._first)

    def succeeded(self, evidence: Evidence) -> bool:
        return _shown_more_than_said(evidence, Role.INITIATOR)


class ReplayAnswers(Attack):
    """Sends the server's first answer again after each later one.

    A defence has to hold in both directions, and at every later place.
    """

    name = "replay-answers"
    threat = "A03"
    reference = "Threema, message replay, 2023"
    target = Target.ORDER
    defences = {Property.ORDER}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._first: InterceptedFrame | None = None

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        interceptor.forward(frame)
        if not frame.is_message_from(Role.RESPONDER):
            return
        if self._first is None:
            self._first = frame
        else:
            interceptor.log(f"sent the server's frame 0 again after frame {frame.index}")
            interceptor.forward(self._first)

    def succeeded(self, evidence: Evidence) -> bool:
        return _shown_more_than_said(evidence, Role.RESPONDER)


class Duplicate(Attack):
    """Sends every frame of the conversation twice, in both directions, the goodbyes as well.

    Networks duplicate packets now and then, so it raises no suspicion.
    """

    name = "duplicate"
    threat = "A03"
    reference = "KRACK, CVE-2017-13077"
    target = Target.ORDER
    defences = {Property.ORDER}

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        interceptor.forward(frame)
        if not frame.handshake:
            interceptor.forward(frame)

    def succeeded(self, evidence: Evidence) -> bool:
        return any(not evidence.faithful(role) for role in Role) and not evidence.alarmed


class ReplayConversation(Attack):
    """Records what the client sends, from the first byte to the last, and sends it to the server again as a new client.

    Where the server adds nothing new to the keys, a recording of yesterday is valid today.
    """

    name = "replay-conversation"
    threat = "A17"
    reference = "TLS 1.3 early data, RFC 8446 section 8"
    target = Target.ORDER
    defences = {Property.FRESHNESS}

    @classmethod
    def predict(cls, stack: AttackedStack) -> Outcome:
        """Where the client's first record is what proves that the client is there, the server waits for that record."""
        return Outcome.HELD if stack.handshake.first_record_proves else super().predict(stack)

    async def finish(self, interceptor: Interceptor) -> None:
        stream = await interceptor.connect()
        stream.deliver_to(lambda data: None, lambda error: None)
        await wait_until_idle()  # where the server speaks first, it has now
        interceptor.log("connected to the server and sent everything that the client had sent")
        for frame in interceptor.frames:
            if frame.sender is Role.INITIATOR:
                stream.send(interceptor.encode(frame.kind, frame.payload))
                await wait_until_idle()
        stream.finish()
        await wait_until_idle()
        stream.close()

    def succeeded(self, evidence: Evidence) -> bool:
        return any(CANARY in line for user in evidence.later for line in user.shown)


def _shown_more_than_said(evidence: Evidence, sender: Role) -> bool:
    shown, said = evidence.participants[sender.other].shown, evidence.participants[sender].said
    return len(shown) > len(said) and not evidence.alarmed


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Replay, ReplayAnswers, Duplicate, ReplayConversation]
