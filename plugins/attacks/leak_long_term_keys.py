"""Leak the keys later: read a recording with all the files of the server."""

from contextlib import suppress

from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack
from plytalk.lab.attacks.interceptor import Interceptor, Leg
from plytalk.lab.attacks.run import CANARY, Evidence


class LeakLongTermKeys(Attack):
    """Records the conversation, later gets every file that the server keeps, and goes through the handshake again with both.

    What was encrypted to a key is as secret as the key stays, for ever.
    """

    name = "leak-long-term-keys"
    row = "A10"
    reference = "Lavabit's TLS key, 2013"
    defences = {Property.FORWARD_SECRECY}

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._read = b""

    async def after(self, interceptor: Interceptor) -> None:
        recording, end = memory_stream_pair()
        leg = Leg(await interceptor.leaked(Role.RESPONDER), end, Role.RESPONDER, lambda role: None)
        sent = [passing for passing in interceptor.frames if passing.sender is Role.INITIATOR]
        for passing in sent:
            if passing.handshake:
                recording.send(interceptor.encode(passing.kind or MESSAGE, passing.payload))
        recording.finish()
        with suppress(ChatError):
            await leg.open()
            self._read = b"".join(leg.cipher.open(passing.payload) for passing in sent if not passing.handshake)
            interceptor.log(f"read {len(self._read)} bytes of the recording with the server's files")
        end.close()

    def succeeded(self, evidence: Evidence) -> bool:
        return CANARY.encode() in self._read or bool(evidence.learned)


@hookimpl
def layers() -> list[type[LeakLongTermKeys]]:
    return [LeakLongTermKeys]
