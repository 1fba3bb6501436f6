"""An attack that edits one preamble changes nothing else."""

from intercepting import between

from plytalk.core.contracts.peers import Role
from plytalk.lab.attacks import clock
from plytalk.plugins.attacks.downgrades import Downgrading
from plytalk.testing.parts import TypedFrames


class Louder(Downgrading):
    """Has the server shout what it says first."""

    name = "louder"
    sender = Role.RESPONDER

    def edit(self, payload: bytes) -> bytes:
        return payload.upper()


def test_the_first_handshake_frame_of_one_side_is_edited_and_nothing_else() -> None:
    async def edit() -> None:
        interceptor, ends = between(Louder(), handshake_length=2)
        await interceptor.start()
        for role in Role:
            for word in (b"one", b"two", b"three"):
                ends[role].stream.send(TypedFrames().encode(b"K", word))
            ends[role].stream.finish()
        for end in ends.values():
            await end.over.wait()
        for role, first in ((Role.INITIATOR, b"ONE"), (Role.RESPONDER, b"one")):
            assert ends[role].heard == b"".join(TypedFrames().encode(b"K", word) for word in (first, b"two", b"three"))

    clock.run(edit())
