"""An attack between two participants that are streams, for tests of attacks by themselves."""

import asyncio

from plytalk.core.contracts.attack import Attack
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.lab.attacks.interceptor import FrameInterceptor, HandshakeStep
from plytalk.testing.endpoints import stack_of


class End:
    """One participant of the attacked conversation: what came, and whether it was closed."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.heard, self.over = stream, bytearray(), asyncio.Event()
        stream.deliver_to(self.heard.extend, lambda error: self.over.set())


def between(attack: Attack, handshake_length: int = 0) -> tuple[FrameInterceptor, dict[Role, End]]:
    pairs = {role: memory_stream_pair() for role in Role}
    streams = {role: inner for role, (_, inner) in pairs.items()}
    interceptor = FrameInterceptor(stack_of(), attack, streams, dict.fromkeys(Role, [HandshakeStep()] * handshake_length))
    return interceptor, {role: End(outer) for role, (outer, _) in pairs.items()}
