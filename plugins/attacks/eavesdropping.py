"""Eavesdropping: read what passes, and change nothing."""

from plytalk.core.contracts.attack import Attack, Evidence, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.registry.hookspecs import hookimpl

SIZES_THAT_TELL = 3


class Eavesdrop(Attack):
    """Eavesdrops, and looks for anything that distinguishes two messages: words, keys, a key stream that is used twice.

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
    """Reads the length of each message off the length of its frame, exactly or to the block.

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
            if not any(_tell(frames[start : start + len(words)], words) for start in range(len(frames) - len(words) + 1)):
                return False
        return True


def _tell(frames: list[int], words: list[int]) -> bool:
    """Whether these could be the frames of these words: longer words never have shorter frames, and there are several sizes.

    A cipher that works in blocks shows the length by the block.
    """
    in_order = [frame for _, frame in sorted(zip(words, frames, strict=True))]
    return in_order == sorted(frames) and len(set(frames)) >= SIZES_THAT_TELL


@hookimpl
def attacks() -> list[type[Attack]]:
    return [Eavesdrop, Lengths]
