"""Eavesdropping: read what passes, and change nothing."""

from plytalk.core.contracts.attack import Attack, Evidence, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl


class Eavesdrop(Attack):
    """Listens, and looks for everything that tells two messages apart: words, keys, a key stream that is used twice.

    The oldest and easiest attack: anyone on the same network, or at a machine on the path, can do it, and nobody can notice.
    Bytes that look random are not secret for that reason.
    """

    name = "eavesdrop"
    threat = "A06"
    reference = "Venona, 1943: a key stream that was used twice"
    target = Target.SECRECY
    defences = {Property.SECRECY}

    def succeeded(self, evidence: Evidence) -> bool:
        return bool(evidence.learned)


class Lengths(Attack):
    """Reads the exact length of each message off the length of its frame.

    A ciphertext is as long as its plaintext. The lengths of keystrokes, passwords, or yes and no have been enough before.
    """

    name = "lengths"
    threat = "A21"
    reference = "Song, Wagner and Tian 2001, timing and lengths of keystrokes in SSH"
    target = Target.SECRECY
    defences = {Property.LENGTH_HIDING}

    def succeeded(self, evidence: Evidence) -> bool:
        for role in Role:
            frames = [len(frame.payload) for frame in evidence.frames if frame.is_message_from(role)]
            words = [len(line.encode()) for line in evidence.participants[role].said]
            if not any(_fit(frames[start:], words) for start in range(len(frames) - len(words) + 1)):
                return False  # the overhead varies: the length of the words does not show
        return True


def _fit(frames: list[int], words: list[int]) -> bool:
    """Whether these could be the frames of these words, all with the same overhead. Other frames may come before and after."""
    return len({frame - word for frame, word in zip(frames, words, strict=False)}) == 1


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Eavesdrop, Lengths]
