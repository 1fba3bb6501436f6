"""`chat lab compare`: two implementations of one handshake, given the same changed messages.

Each plays each role against the first of the two, and one message is changed in transit. Where one accepts what the other
refuses, or fails without a refusal, one of them is wrong about the protocol.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from plytalk.core.contracts.errors import HandshakeFailed, RemoteError
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.lab.fuzz.handshake_fuzzer import PATIENCE, Stuck, deadline, prepared
from plytalk.lab.fuzz.line_coverage import LineCoverage, constants, source_of
from plytalk.lab.fuzz.mutations import Mutator, Recipe
from plytalk.lab.fuzz.oracles import agree
from plytalk.testing.attempts import CLIENT, SERVER, Attempts, Course
from plytalk.testing.parts import TypedFrames

AGAIN = 3
"""How often a difference must show, with new keys each time, before it counts."""
ACCEPTS, REFUSES, HANGS = "accepts", "refuses", "hangs"

Make = Callable[[Role], Handshake]
"""Makes the handshake of one side."""


@dataclass(frozen=True)
class Difference:
    """What the two do with the same changed message: `outcomes` by the name of the implementation."""

    receiver: Role
    outcomes: Mapping[str, str]
    change: str

    def __str__(self) -> str:
        said = ", and ".join(f"{name} {outcome}" for name, outcome in self.outcomes.items())
        return f"As the {self.receiver.value}, {said}."


@dataclass
class Comparison:
    """What a run came to."""

    attempts: int = 0
    differences: list[Difference] = field(default_factory=list)

    def add(self, difference: Difference) -> None:
        """Note a difference, unless one like it was told before."""
        if all((one.receiver, one.outcomes) != (difference.receiver, difference.outcomes) for one in self.differences):
            self.differences.append(difference)


class Differential:
    """Compares the handshakes that `makes` gives, by two names."""

    def __init__(self, makes: Mapping[str, Make], seed: int = 0) -> None:
        self._makes = makes
        self._random = random.Random(seed)  # noqa: S311 - a change must be repeatable
        self.comparison = Comparison()

    def run(self, goes: Callable[[Comparison], bool]) -> Comparison:
        """Look for differences while `goes`. Raises HandshakeFailed where the two do not understand each other undisturbed."""
        asyncio.run(self._compare(goes))
        return self.comparison

    async def _compare(self, goes: Callable[[Comparison], bool]) -> None:
        ends = {(name, role): await prepared(make(role), role) for name, make in self._makes.items() for role in Role}
        files = {source_of(end) for end in ends.values()}
        first, _ = self._makes
        meetings = {}
        for name in self._makes:
            meetings[name, SERVER] = Attempts(ends[first, CLIENT], ends[name, SERVER], TypedFrames, PATIENCE)
            meetings[name, CLIENT] = Attempts(ends[name, CLIENT], ends[first, SERVER], TypedFrames, PATIENCE)
        courses = [await self._understand(*one) for one in meetings.items()]
        mutator = Mutator.of_courses(self._random, courses, [one for file in files for one in constants(file)])
        with LineCoverage(files) as coverage:
            while mutator.messages and goes(self.comparison):
                recipe = mutator.draw()
                await self._judge(meetings, recipe)
                if coverage.news():
                    mutator.corpus.append(recipe)

    async def _understand(self, who: tuple[str, Role], attempts: Attempts) -> Course:
        name, role = who
        fault: BaseException | None
        try:
            course = await attempts.once()
        except AssertionError as hangs:
            fault = hangs
        else:
            if agree(course):
                return course
            fault = next((result for result in course.results.values() if isinstance(result, BaseException)), None)
        raise HandshakeFailed(f"With {name} as the {role.value}, the two do not agree on keys.") from fault

    async def _judge(self, meetings: Mapping[tuple[str, Role], Attempts], recipe: Recipe) -> None:
        receiver = recipe.sender.other
        seen: Mapping[str, str] = {}
        for _ in range(AGAIN):
            seen = {name: await self._outcome(meetings[name, receiver], receiver, recipe) for name in self._makes}
            if len(set(seen.values())) == 1:
                return
        self.comparison.add(Difference(receiver, seen, str(recipe)))

    async def _outcome(self, attempts: Attempts, receiver: Role, recipe: Recipe) -> str:
        self.comparison.attempts += 1
        try:
            with deadline(2 * PATIENCE):
                course = await attempts.once(edit=recipe.edit)
        except (Stuck, AssertionError):
            return HANGS
        match course.results[receiver]:
            case SessionSecrets():
                return ACCEPTS
            case RemoteError():
                return REFUSES
            case error:
                return f"raises {type(error).__name__}"
