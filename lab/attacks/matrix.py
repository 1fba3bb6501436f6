"""The matrix: every attack on every stack, with the predicted and the measured outcome.

A difference between the two is a failure: a layer claims what it does not give, or gives what it does not claim.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from msgspec import structs

from plytalk.core.contracts.attack import Attack, Outcome, Target
from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import ChatError, Usage
from plytalk.core.contracts.optional import listening, prepare
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.properties import Profile
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.io.temporary_folder import TemporaryFolder
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attacker_connection import StackConnection
from plytalk.lab.attacks.run import AttackRecord, Passive, judge, measure_handshake, run_attack
from plytalk.lab.attacks.scenario import ATTACKER, Scenario
from plytalk.trust.folders import HOME


@dataclass(frozen=True)
class Cell:
    """One attack on one stack, with one seed."""

    attack: str
    stack: str
    seed: int
    predicted: Outcome
    measured: Outcome
    record: AttackRecord | None = None
    log: tuple[str, ...] = ()
    target: Target | None = None
    """What is attacked; None for the control."""

    @property
    def agrees(self) -> bool:
        return self.predicted is self.measured


class MatrixRunner:
    """Runs attacks on one scenario: three stacks, each with its own keys, and the length of the handshake."""

    def __init__(self, scenario: Scenario, folder: Path, known: Sequence[Profile]) -> None:
        self.scenario = scenario
        self._folder, self._known = folder, known
        bare = replace(scenario, auths=())  # authenticators need the keys, which are not there yet
        self.stacks = {role: bare.stack(role.value, folder, known) for role in Role}
        self.own = bare.stack(ATTACKER, folder, known)

    async def prepare(self) -> AttackRecord:
        """Load every key, and run the honest conversation in which the participants learn each other's keys."""
        for role, stack in (*self.stacks.items(), (Role.RESPONDER, self.own)):
            await prepare(stack.handshake, role, lambda prompt: "")
        if self.scenario.needs_keys:
            self.scenario = self.scenario.with_keys(await self._keys_shown(), self._folder)
        await self._renew_authenticators()
        self.handshake_steps = await measure_handshake(self.stacks, self.own)
        await self._renew_authenticators()
        record = await run_attack(self.stacks, self.own, Passive(), self.handshake_steps)
        self._keys = frozenset(key for participant in record.participants.values() for key in participant.trace.keys)
        await self._renew_authenticators()
        self._other_secrets = await self._other_conversation()
        return record

    async def _other_conversation(self) -> dict[Role, SessionSecrets]:
        """The secrets of a conversation that only shakes hands. Raises ChatError."""
        streams = memory_stream_pair()
        ends = {role: StackConnection(self.stacks[role], stream, role) for role, stream in zip(Role, streams, strict=True)}
        secrets = await asyncio.gather(*(end.shake_hands() for end in ends.values()))
        for stream in streams:
            stream.close()
        return dict(zip(ends, secrets, strict=True))

    async def _keys_shown(self) -> dict[str, Identity]:
        """The keys of both participants and of the attacker, as they show them in honest conversations."""
        shown: dict[str, Identity] = {}
        for who, server in ((Role.RESPONDER.value, self.stacks[Role.RESPONDER]), (ATTACKER, self.own)):
            record = await run_attack({**self.stacks, Role.RESPONDER: server}, self.own, Passive())
            for name, seen_by in ((Role.INITIATOR.value, Role.RESPONDER), (who, Role.INITIATOR)):
                if identity := record.participants[seen_by].identity:
                    shown[name] = identity
        return shown

    async def _renew_authenticators(self) -> None:
        """Give every side new authenticators, since a secret may be good for one conversation. What the server tells its user to
        pass on, the client's user types; the attacker does not learn it.
        """
        told: list[str] = []

        def typed(prompt: str) -> str:
            return passed_on(told)

        for role in (Role.RESPONDER, Role.INITIATOR):
            auths = self._auths(role.value)
            for auth in auths:
                told += await prepare(auth, role, typed)
                told += listening(auth, ()) if role is Role.RESPONDER else ()
            self.stacks[role] = structs.replace(self.stacks[role], auths=auths)
        self.own = structs.replace(self.own, auths=self._auths(ATTACKER))
        for auth in self.own.auths:
            await prepare(auth, Role.RESPONDER, lambda prompt: "")

    def _auths(self, who: str) -> tuple[Authenticator, ...]:
        return self.scenario.stack(who, self._folder, self._known).auths

    async def attack(self, kind: type[Attack], seed: int, trace: Trace | None = None) -> Cell:
        """One cell."""
        outcomes = {kind.predict(self.scenario.as_known(self.stacks[role])) for role in kind.victims}
        predicted = Outcome.HELD if Outcome.HELD in outcomes else outcomes.pop()
        if predicted is Outcome.NOT_APPLICABLE:
            return Cell(kind.name, self.scenario.name, seed, predicted, predicted, target=kind.target)
        log: list[str] = []
        attack = kind(seed)
        await self._renew_authenticators()
        record = await run_attack(
            self.stacks,
            self.own,
            attack,
            self.handshake_steps,
            log.append,
            self._leaked,
            trace,
            self._keys,
            self._other_secrets,
        )
        outcome = judge(attack, record)
        return Cell(kind.name, self.scenario.name, seed, predicted, outcome, record, tuple(log), kind.target)

    async def _leaked(self, role: Role) -> Stack:
        stack = self.scenario.stack(role.value, self._folder, self._known)
        for layer in (stack.handshake, *stack.auths):
            await prepare(layer, role, lambda prompt: "")
        return stack


def passed_on(told: Sequence[str]) -> str:
    """Return what one user reads to the other: the last word of the first sentence."""
    return told[0].partition(". ")[0].split()[-1] if told else ""


def measure(
    scenarios: Iterable[Scenario],
    attacks: Sequence[type[Attack]],
    seeds: Sequence[int] = (0,),
    known: Sequence[Profile] = (),
    progress: Callable[[str], None] = lambda line: None,
    trace: Trace | None = None,
    keep_records: bool = True,
) -> Iterator[Cell]:
    """All cells, scenario by scenario; the first of each is the control, an honest conversation.

    A stack that needs a package or an option which is missing is left out, and `progress` is told. `trace` sees what the attacks
    see and do, which is of use for one cell. A record has some hundred KiB: without `keep_records` no cell has one.
    """
    for scenario in scenarios:
        progress(f"attacking {scenario.name} ...")
        with TemporaryFolder() as folder:
            try:
                yield from clock.run(_measure(scenario, attacks, seeds, known, folder, trace, keep_records))
            except Usage as error:
                progress(f"left out {scenario.name}: {error}")


async def _measure(
    scenario: Scenario,
    attacks: Sequence[type[Attack]],
    seeds: Sequence[int],
    known: Sequence[Profile],
    folder: Path,
    trace: Trace | None,
    keep_records: bool,
) -> list[Cell]:
    control = Passive()
    HOME.set(folder / "home")  # of this task: no file of the user is read
    try:
        runner = MatrixRunner(scenario, folder, known)
        record = await runner.prepare()
    except Usage:
        raise
    except ChatError as error:  # where the honest conversation cannot begin, no attack can
        return [Cell(Passive.name, scenario.name, 0, Outcome.HELD, Outcome.ERROR, None, (error.sentence,))]
    cells = [Cell(Passive.name, scenario.name, 0, Outcome.HELD, judge(control, record), record)]
    for attack in attacks:
        for seed in seeds:
            cell = await runner.attack(attack, seed, trace)
            cells.append(cell if keep_records else replace(cell, record=None))
    return cells
