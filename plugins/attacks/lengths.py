"""Traffic analysis: learn how long each message is."""

from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl
from plytalk.lab.attacks.attack import Attack
from plytalk.lab.attacks.run import Evidence


class Lengths(Attack):
    """Reads the exact length of each message off the length of its frame.

    Ciphertext is as long as plaintext. The length of keystrokes, passwords and yes or no has been enough before.
    """

    name = "lengths"
    row = "A21"
    reference = "Song, Wagner and Tian 2001, timing and lengths of keystrokes in SSH"
    defences = {Property.LENGTH_HIDING}

    def succeeded(self, evidence: Evidence) -> bool:
        for role in Role:
            frames = [len(one.payload) for one in evidence.interceptor.frames if one.sender is role and not one.handshake]
            words = [len(line.encode()) for line in evidence.said_by(role)]
            if not any(_fit(frames[start:], words) for start in range(len(frames) - len(words) + 1)):
                return False  # no constant overhead: the length of the words does not show
        return True


def _fit(frames: list[int], words: list[int]) -> bool:
    """Whether these could be the frames of these words, all with the same overhead. Other frames may come before and behind."""
    return len({frame - word for frame, word in zip(frames, words, strict=False)}) == 1


@hookimpl
def layers() -> list[type[Lengths]]:
    return [Lengths]
