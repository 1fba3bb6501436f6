"""The matrix: every attack against every stack, the prediction beside the measurement.

A difference between the two is a failure, whichever of them is wrong: either a layer promises what it does not keep, or nobody
knew that it keeps it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from plytalk.core.errors import ChatError
from plytalk.core.keys import Role
from plytalk.core.lab import clock
from plytalk.core.lab.attack import Attack, Outcome
from plytalk.core.lab.play import Evidence, Passive, judge, measure_preludes, play
from plytalk.core.lab.setup import ATTACKER, Setup
from plytalk.core.properties import Profile
from plytalk.core.stack import Stack


@dataclass(frozen=True)
class Cell:
    """One attack on one stack, with one seed."""

    attack: str
    stack: str
    seed: int
    predicted: Outcome
    measured: Outcome
    evidence: Evidence | None = None
    log: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return self.predicted is self.measured


class Bench:
    """One setup, made ready: three stacks with keys of their own, and how long its handshake is."""

    def __init__(self, setup: Setup, folder: Path, known: Sequence[Profile]) -> None:
        self.setup = setup
        self._folder, self._known = folder, known
        self.stacks = {role: setup.stack(role.value, folder, known) for role in Role}
        self.own = setup.stack(ATTACKER, folder, known)

    async def ready(self) -> Evidence:
        """Load every key, and hold the honest conversation by which the two ends get to know each other."""
        for role, stack in self.stacks.items():
            await _ready(stack, role)
        await _ready(self.own, Role.RESPONDER)
        self.preludes = await measure_preludes(self.stacks, self.own)
        return await play(self.stacks, self.own, Passive(), self.preludes)

    async def attack(self, kind: type[Attack], seed: int) -> Cell:
        """One cell."""
        predicted = kind.predict(self.stacks[Role.INITIATOR])
        if predicted is Outcome.NOT_APPLICABLE:
            return Cell(kind.name, self.setup.name, seed, predicted, predicted)
        log: list[str] = []
        attack = kind(seed)
        evidence = await play(self.stacks, self.own, attack, self.preludes, log.append, self._leaked)
        return Cell(kind.name, self.setup.name, seed, predicted, judge(attack, evidence), evidence, tuple(log))

    async def _leaked(self, role: Role) -> Stack:
        stack = self.setup.stack(role.value, self._folder, self._known)
        await _ready(stack, role)
        return stack


async def _ready(stack: Stack, role: Role) -> None:
    for layer in (stack.handshake, *stack.auths):
        await layer.ready(role, lambda prompt: "")


def measure(
    setups: Iterable[Setup],
    attacks: Sequence[type[Attack]],
    seeds: Sequence[int] = (0,),
    known: Sequence[Profile] = (),
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Cell]:
    """All cells, setup by setup; the first of each is the control, a passive listener, at which nobody may raise an alarm."""
    for setup in setups:
        progress(setup.name)
        with TemporaryDirectory() as folder:
            yield from clock.run(_measure(setup, attacks, seeds, known, Path(folder)))


async def _measure(
    setup: Setup, attacks: Sequence[type[Attack]], seeds: Sequence[int], known: Sequence[Profile], folder: Path
) -> list[Cell]:
    control = Passive()
    try:
        bench = Bench(setup, folder, known)
        evidence = await bench.ready()
    except ChatError as error:  # a stack that cannot even begin has crashed, and its cells with it
        return [Cell(Passive.name, setup.name, 0, Outcome.UNDETECTED, Outcome.CRASHED, None, (error.sentence,))]
    cells = [Cell(Passive.name, setup.name, 0, Outcome.UNDETECTED, judge(control, evidence), evidence)]
    return cells + [await bench.attack(attack, seed) for attack in attacks for seed in seeds]
