"""One conversation under attack: two real sessions over memory streams, the attack between them, and what came of it.

Nothing is timed: each line is said when all that the one before set off has happened.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

from plytalk.core.contracts.errors import BrokenPlugin, ChatError
from plytalk.core.contracts.items import EXIT
from plytalk.core.contracts.peers import Role
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.session import Session
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attack import Attack, Outcome
from plytalk.lab.attacks.interceptor import Interceptor, Tracing
from plytalk.lab.attacks.learning import learned
from plytalk.lab.attacks.sides import ADDRESS, AttackerSessions, Participant, Telephone, Typist, open_session, quiet, session_of

LINES = 6
LONGEST = 600.0
"""Seconds after which a conversation under attack is over."""
CANARY = "canary-7f3a"


@dataclass
class Evidence:
    """What both people said, saw and noticed, and what passed the attacker."""

    sides: dict[Role, Participant]
    interceptor: Interceptor
    later: list[Participant] = field(default_factory=list)
    """What the server's end saw in the conversations that the attacker began by itself."""
    crash: str = ""
    earlier: frozenset[bytes] = frozenset()
    """Keys of earlier conversations."""
    opening: Counter[Role] = field(default_factory=Counter)
    """How many frames each end had sent when it could talk."""

    @property
    def alarmed(self) -> bool:
        return any(side.alarms for side in self.sides.values())

    def said_by(self, role: Role) -> list[str]:
        return self.sides[role].said

    def shown_to(self, role: Role) -> list[str]:
        return self.sides[role].shown

    def faithful(self, sender: Role) -> bool:
        """Whether the other side saw exactly what `sender` said, each line once and in order."""
        return self.sides[sender.other].shown == self.sides[sender].said

    def forged(self, receiver: Role) -> list[bytes]:
        """What the cipher of one end opened, and the other end never sealed."""
        genuine = set(self.sides[receiver.other].inside.packed)
        return [plaintext for plaintext in self.sides[receiver].inside.accepted if plaintext not in genuine]

    @property
    def learned(self) -> list[str]:
        """How somebody who only listens can read this conversation; empty where that is impossible."""
        return list(learned([side.inside for side in self.sides.values()], self.captured, CANARY, self.earlier))

    @property
    def captured(self) -> bytes:
        """All bytes that passed the attacker, of both ends."""
        return b"".join(bytes(self.interceptor.captured[role]) for role in Role)


def judge(attack: Attack, evidence: Evidence) -> Outcome:
    """The measured outcome."""
    if evidence.crash:
        return Outcome.CRASHED
    return Outcome.UNDETECTED if attack.succeeded(evidence) else Outcome.DETECTED


class Passive(Attack):
    """Only listens: the control. A stack that raises an alarm here raises false ones."""

    name = "passive"
    row = "control"

    @classmethod
    def predict(cls, stack: Stack) -> Outcome:
        return Outcome.UNDETECTED

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.alarmed and all(evidence.faithful(role) for role in Role)


async def run_attack(
    stacks: Mapping[Role, Stack],
    own: Stack,
    attack: Attack,
    preludes: Mapping[Role, int] | None = None,
    log: Callable[[str], None] = lambda line: None,
    leaked: Callable[[Role], Awaitable[Stack]] | None = None,
    trace: Trace | None = None,
    earlier: frozenset[bytes] = frozenset(),
) -> Evidence:
    """Attack one conversation of `LINES` lines from each side, ended by the client. Never raises for what the attack does.

    `own` is the attacker's stack: the same layers, and nothing of the two ends' keys. `leaked` builds an end's stack again from
    the files it left, for attacks that get hold of them; `trace` hears of all that the attacker sees and does; `earlier` are keys
    of earlier conversations of the same ends.
    """
    pairs = {role: memory_stream_pair() for role in Role}
    if attack.far:
        for stream, _ in pairs.values():
            stream.peer = ADDRESS
    sides, telephone = {role: Participant() for role in Role}, Telephone()
    person = Typist(sides[Role.RESPONDER], telephone, sides[Role.INITIATOR]) if attack.one_person else None
    meetings = AttackerSessions(stacks, attack.far, person)
    tracing = Tracing(trace) if trace else None
    between = {role: stream for role, (_, stream) in pairs.items()}
    interceptor = Interceptor(own, attack, between, preludes or {}, log, tracing=tracing)
    interceptor.meet = meetings.meet  # type: ignore[method-assign]
    if leaked:
        interceptor.leaked = leaked  # type: ignore[method-assign, assignment]
    sessions = {
        role: session_of(stacks[role], stream, role, sides[role], telephone, person if role is Role.RESPONDER else None)
        for role, (stream, _) in pairs.items()
    }
    evidence = Evidence(sides, interceptor, meetings.sides, earlier=earlier)
    taking = asyncio.create_task(interceptor.start())
    end = asyncio.get_running_loop().call_later(LONGEST, interceptor.cut)  # whom the attacker leaves waiting
    try:
        await _converse(sessions, evidence)
        await attack.after(interceptor)
    except Exception:
        evidence.crash = traceback.format_exc()
    finally:
        end.cancel()
        taking.cancel()
        with suppress(asyncio.CancelledError, ChatError, ExceptionGroup):
            await taking
        await meetings.close()
        for stream in chain(*pairs.values()):
            stream.close()
        if tracing:
            tracing.over()
    endings = (side.ending for side in sides.values() if side.ending)
    faults = (str(ending.error) for ending in endings if isinstance(ending.error, BrokenPlugin))
    evidence.crash = evidence.crash or next(faults, "")
    return evidence


async def measure_preludes(stacks: Mapping[Role, Stack], own: Stack) -> dict[Role, int]:
    """How many frames each end of a stack sends before it may talk, by watching an honest conversation."""
    listener = Passive()
    evidence = await run_attack(stacks, own, listener)
    return {role: evidence.opening[role] for role in Role}


async def _converse(sessions: Mapping[Role, Session], evidence: Evidence) -> None:
    sides = evidence.sides
    opened = await asyncio.gather(*(open_session(sessions[role], sides[role]) for role in Role))
    await quiet()
    evidence.opening = Counter(passing.sender for passing in evidence.interceptor.frames)
    if all(opened):
        await _talk(sessions, sides)
    for role in Role:
        if sides[role].opened:
            await _leave(sessions[role])
            await quiet()
    await asyncio.gather(*(_settle(sessions[role], sides[role]) for role in Role if sides[role].opened))


async def _talk(sessions: Mapping[Role, Session], sides: Mapping[Role, Participant]) -> None:
    for number in range(LINES):
        for role in Role:
            if not sessions[role].ending:
                line = f"{role.value} line {number} {CANARY}{'.' * 5 * number}"
                sides[role].said.append(line)
                sessions[role].say(line)
                await quiet()


async def _leave(session: Session) -> None:
    if session.role is Role.INITIATOR and not session.ending:
        session.say(EXIT)


async def _settle(session: Session, side: Participant) -> None:
    side.ending = await session.over()
    if side.ending.error:
        side.alarms.append(side.ending.error.sentence)
