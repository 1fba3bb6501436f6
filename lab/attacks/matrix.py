"""The matrix: every attack against every stack, the prediction beside the measurement.

A difference between the two is a failure, whichever of them is wrong: either a layer promises what it does not keep, or nobody
knew that it keeps it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Identity, Role
from plytalk.core.contracts.properties import Profile
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attack import Attack, Outcome
from plytalk.lab.attacks.run import Evidence, Passive, judge, measure_preludes, run_attack
from plytalk.lab.attacks.scenario import ATTACKER, Scenario


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


class MatrixRunner:
    """One scenario, made ready: three stacks with their own keys, and how long its handshake is."""

    def __init__(self, scenario: Scenario, folder: Path, known: Sequence[Profile]) -> None:
        self.scenario = scenario
        self._folder, self._known = folder, known
        bare = replace(scenario, auths=())  # authenticators need the keys, which are not there yet
        self.stacks = {role: bare.stack(role.value, folder, known) for role in Role}
        self.own = bare.stack(ATTACKER, folder, known)

    async def ready(self) -> Evidence:
        """Load every key, and hold the honest conversation by which the two ends get to know each other."""
        for role, stack in (*self.stacks.items(), (Role.RESPONDER, self.own)):
            await prepare(stack.handshake, role, lambda prompt: "")
        if self.scenario.wants_keys:
            self.scenario = self.scenario.told(await self._keys_shown(), self._folder)
        await self._agree()
        self.preludes = await measure_preludes(self.stacks, self.own)
        await self._agree()
        evidence = await run_attack(self.stacks, self.own, Passive(), self.preludes)
        self._keys = frozenset(key for side in evidence.sides.values() for key in side.inside.keys)
        return evidence

    async def _keys_shown(self) -> dict[str, Identity]:
        """The keys of both ends and of the attacker, as they show them in honest conversations."""
        shown: dict[str, Identity] = {}
        for who, server in ((Role.RESPONDER.value, self.stacks[Role.RESPONDER]), (ATTACKER, self.own)):
            evidence = await run_attack({**self.stacks, Role.RESPONDER: server}, self.own, Passive())
            for name, seen_by in ((Role.INITIATOR.value, Role.RESPONDER), (who, Role.INITIATOR)):
                if identity := evidence.sides[seen_by].identity:
                    shown[name] = identity
        return shown

    async def _agree(self) -> None:
        """Give every end new authenticators, since a secret may be good for one conversation. What the server's tells its person
        to pass on, the client's person types; the attacker does not hear of it.
        """
        told: list[str] = []

        def typed(prompt: str) -> str:
            return passed_on(told)

        for role in (Role.RESPONDER, Role.INITIATOR):
            auths = self._auths(role.value)
            for auth in auths:
                told += await prepare(auth, role, typed)
            self.stacks[role] = replace(self.stacks[role], auths=auths)
        self.own = replace(self.own, auths=self._auths(ATTACKER))
        for auth in self.own.auths:
            await prepare(auth, Role.RESPONDER, lambda prompt: "")

    def _auths(self, who: str) -> tuple[Authenticator, ...]:
        return self.scenario.stack(who, self._folder, self._known).auths

    async def attack(self, kind: type[Attack], seed: int, trace: Trace | None = None) -> Cell:
        """One cell."""
        outcomes = {kind.predict(self.stacks[role]) for role in kind.victims}
        predicted = Outcome.DETECTED if Outcome.DETECTED in outcomes else outcomes.pop()
        if predicted is Outcome.NOT_APPLICABLE:
            return Cell(kind.name, self.scenario.name, seed, predicted, predicted)
        log: list[str] = []
        attack = kind(seed)
        await self._agree()
        evidence = await run_attack(self.stacks, self.own, attack, self.preludes, log.append, self._leaked, trace, self._keys)
        return Cell(kind.name, self.scenario.name, seed, predicted, judge(attack, evidence), evidence, tuple(log))

    async def _leaked(self, role: Role) -> Stack:
        stack = self.scenario.stack(role.value, self._folder, self._known)
        for layer in (stack.handshake, *stack.auths):
            await prepare(layer, role, lambda prompt: "")
        return stack


def passed_on(told: Sequence[str]) -> str:
    """What a person reads to the other one: the last word of the first sentence."""
    return told[0].partition(". ")[0].split()[-1] if told else ""


def measure(
    scenarios: Iterable[Scenario],
    attacks: Sequence[type[Attack]],
    seeds: Sequence[int] = (0,),
    known: Sequence[Profile] = (),
    progress: Callable[[str], None] = lambda line: None,
    trace: Trace | None = None,
) -> Iterator[Cell]:
    """All cells, scenario by scenario; the first of each is the control, a passive listener, at which nobody may raise an alarm.

    A stack that wants something which is not here, a package or an option, is left out, and `progress` is told. `trace` hears of
    what the attacks see and do, which is of use for one cell.
    """
    for scenario in scenarios:
        progress(f"attacking {scenario.name} ...")
        with TemporaryDirectory() as folder:
            try:
                yield from clock.run(_measure(scenario, attacks, seeds, known, Path(folder), trace))
            except Usage as error:
                progress(f"left out {scenario.name}: {error}")


async def _measure(
    scenario: Scenario,
    attacks: Sequence[type[Attack]],
    seeds: Sequence[int],
    known: Sequence[Profile],
    folder: Path,
    trace: Trace | None,
) -> list[Cell]:
    control = Passive()
    try:
        bench = MatrixRunner(scenario, folder, known)
        evidence = await bench.ready()
    except Usage:
        raise
    except ChatError as error:  # a stack that cannot even begin has crashed, and its cells with it
        return [Cell(Passive.name, scenario.name, 0, Outcome.UNDETECTED, Outcome.CRASHED, None, (error.sentence,))]
    cells = [Cell(Passive.name, scenario.name, 0, Outcome.UNDETECTED, judge(control, evidence), evidence)]
    return cells + [await bench.attack(attack, seed, trace) for attack in attacks for seed in seeds]
