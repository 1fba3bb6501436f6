"""What happened in an attacked conversation, in order: `chat lab --why` tells it."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class NarratedStep:
    """Something that a participant or the attacker did, as a sentence, and the bytes that it did it with."""

    sentence: str
    data: bytes = b""


@dataclass
class Narrative:
    """The steps, as they happen."""

    steps: list[NarratedStep] = field(default_factory=list)

    def tell(self, sentence: str, data: bytes = b"") -> None:
        self.steps.append(NarratedStep(sentence, bytes(data)))

    def __iter__(self) -> Iterator[NarratedStep]:
        return iter(self.steps)
