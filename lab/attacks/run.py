"""One attacked conversation: two real sessions over memory streams, the attack between them, and the outcome.

Nothing is timed: each line is said when everything that the line before it started has happened.
"""

import asyncio
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from types import MappingProxyType

from plytalk.core.bases.attacking import wait_until_idle
from plytalk.core.bases.filter_stream import FilterStream
from plytalk.core.contracts.attack import CANARY, Attack, Evidence, InterceptedFrame, Outcome
from plytalk.core.contracts.blame import fault_of_attack
from plytalk.core.contracts.errors import BrokenPlugin, ChatError
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import EXIT
from plytalk.core.contracts.optional import Opens
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.transport import PassesThrough, Stream
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.tracing import Trace
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks.attendance import Attendance
from plytalk.lab.attacks.interceptor import Access, AttackTracing, FrameInterceptor, HandshakeStep, HandshakeSteps
from plytalk.lab.attacks.learning import learned
from plytalk.lab.attacks.participants import (
    ADDRESS,
    AttackerSessions,
    OutOfBand,
    ParticipantRecord,
    SharedTerminalUi,
    make_session,
    open_session,
)

LINES = 6
SCRIPT = tuple((role, f"{role.value} line {number} {CANARY}{'.' * 5 * number}") for number in range(LINES) for role in Role)
"""What the two users say in the lab, line by line."""
LONGEST = 600.0
"""Seconds after which an attacked conversation is over."""


@dataclass
class AttackRecord:
    """What both participants said, saw and were warned of, and what passed the attacker."""

    participants: dict[Role, ParticipantRecord]
    interceptor: FrameInterceptor
    later: list[ParticipantRecord] = field(default_factory=list)
    """The server's user in each conversation that the attacker began."""
    error: str = ""
    earlier_keys: frozenset[bytes] = frozenset()
    """Keys of earlier conversations."""
    other_secrets: Mapping[Role, SessionSecrets] = field(default_factory=dict)
    """What both roles had in another conversation."""
    handshake_steps: dict[Role, list[HandshakeStep]] = field(default_factory=dict)
    """The frames that each participant had sent when it could talk."""

    @property
    def frames(self) -> list[InterceptedFrame]:
        return self.interceptor.frames

    @property
    def alarmed(self) -> bool:
        """Whether a participant was warned."""
        return any(participant.alarms for participant in self.participants.values())

    def faithful(self, sender: Role) -> bool:
        """Whether the other side saw exactly what `sender` said, each line once and in order."""
        return self.participants[sender.other].shown == self.participants[sender].said

    def forged(self, receiver: Role) -> list[bytes]:
        """What the receiver's cipher accepted, and the other side never sealed: a changed frame counts, whatever it says."""
        genuine = set(self.participants[receiver.other].trace.sealed)
        return [plaintext for sealed, plaintext in self.participants[receiver].trace.accepted if sealed not in genuine]

    @property
    def learned(self) -> list[str]:
        """How an eavesdropper can read this conversation; empty where that is impossible."""
        traces = [participant.trace for participant in self.participants.values()]
        in_the_clear = [frame.payload for frame in self.frames if frame.handshake]
        return list(learned(traces, self.captured, CANARY, self.earlier_keys, in_the_clear, self._opened_by_others()))

    def _opened_by_others(self) -> bytes:
        """What ciphers with the keys of another conversation make of what passed."""
        opened = b""
        for receiver, secrets in self.other_secrets.items():
            cipher = self.interceptor.stack.cipher(secrets, receiver)
            for frame in self.frames:
                if frame.is_message_from(receiver.other):
                    with suppress(Exception):  # it is not made for this
                        opened += cipher.open(frame.payload)
        return opened

    @property
    def captured(self) -> bytes:
        """All bytes that passed the attacker, of both participants."""
        return b"".join(bytes(self.interceptor.captured[role]) for role in Role)


def judge(attack: Attack, record: AttackRecord) -> Outcome:
    """The measured outcome."""
    if record.error:
        return Outcome.ERROR
    try:
        return Outcome.BROKEN if attack.succeeded(record) else Outcome.HELD
    except BaseException as error:
        let_through(error)
        record.error = fault_of_attack(error, attack)
        record.interceptor.log(f"failed: {record.error}")
        return Outcome.ERROR


class Passive(Attack):
    """The control: an honest conversation without interference. A stack that raises an alarm here raises false alarms."""

    name = "passive"
    threat = "control"

    def succeeded(self, evidence: Evidence) -> bool:
        """Whether the honest conversation failed."""
        return evidence.alarmed or not all(evidence.faithful(role) for role in Role)


class LabAccess(Access):
    """What an attacker can reach in the lab: conversations with the server, and what `leaked` makes of a participant's files."""

    def __init__(self, sessions: AttackerSessions, leaked: Callable[[Role], Awaitable[Stack]] | None) -> None:
        self._sessions, self._leaked = sessions, leaked

    async def connect(self, keys_of: Role, leaked: bool) -> Stream:
        return await self._sessions.connect(keys_of, await self.leaked_stack(keys_of) if leaked else None)

    async def leaked_stack(self, role: Role) -> Stack:
        return await (self._leaked(role) if self._leaked else super().leaked_stack(role))


async def run_attack(
    stacks: Mapping[Role, Stack],
    own: Stack,
    attack: Attack,
    handshake_steps: HandshakeSteps | None = None,
    log: Callable[[str], None] = lambda line: None,
    leaked: Callable[[Role], Awaitable[Stack]] | None = None,
    trace: Trace | None = None,
    earlier_keys: frozenset[bytes] = frozenset(),
    other_secrets: Mapping[Role, SessionSecrets] = MappingProxyType({}),
    script: Sequence[tuple[Role, str]] = SCRIPT,
) -> AttackRecord:
    """Attack one conversation, of the lines in `script`, ended by the client. Never raises for what the attack does.

    `own` is the attacker's stack: the same layers, and none of the participants' keys. `leaked` builds a participant's stack
    again from the files it left, for attacks that get hold of them; `trace` sees all that the attacker sees and does;
    `earlier_keys` are those of earlier conversations of the same participants, `other_secrets` what both had in one of them.
    """
    pairs = await _opened_pairs(stacks[Role.INITIATOR])
    if attack.remote:
        for stream, _ in pairs.values():
            stream.peer = ADDRESS
    records, out_of_band = {role: ParticipantRecord() for role in Role}, OutOfBand()
    shared = SharedTerminalUi(records[Role.RESPONDER], out_of_band, records[Role.INITIATOR]) if attack.shared_terminal else None
    begun = AttackerSessions(stacks, attack.remote, shared)
    tracing = AttackTracing(trace) if trace else None
    streams = {role: stream for role, (_, stream) in pairs.items()}
    interceptor = FrameInterceptor(
        own, attack, streams, handshake_steps or {}, log, tracing=tracing, access=LabAccess(begun, leaked)
    )
    sessions = {
        role: make_session(stacks[role], stream, role, records[role], out_of_band, shared if role is Role.RESPONDER else None)
        for role, (stream, _) in pairs.items()
    }
    for role, user in records.items():
        user.narrate = partial(_narrate, interceptor, role)
    record = AttackRecord(records, interceptor, begun.records, earlier_keys=earlier_keys, other_secrets=other_secrets)
    try:
        await _run_attacked(sessions, record, script)
    finally:
        await begun.close()
        for stream in chain(*pairs.values()):
            stream.close()
        if tracing:
            tracing.end()
    record.error = record.error or interceptor.fault or _fault_in(records.values())
    return record


async def _opened_pairs(stack: Stack) -> dict[Role, tuple[Stream, Stream]]:
    """For each participant its stream, and the attacker's end of that: on the network path, or in the place of a third party."""
    if not isinstance(stack.transport, PassesThrough):
        return {role: memory_stream_pair() for role in Role}
    pairs = dict(stack.transport.through())
    for stream in chain(*pairs.values()):
        if isinstance(stream, FilterStream):
            stream.start()
    for stream in chain(*pairs.values()):
        if isinstance(stream, Opens):
            await stream.opened()
    return pairs


async def _run_attacked(sessions: Mapping[Role, DirectChat], record: AttackRecord, script: Sequence[tuple[Role, str]]) -> None:
    """The conversation, from the start of the attack to its end; what the attack raises goes into the record."""
    interceptor = record.interceptor
    starting = asyncio.create_task(interceptor.start())
    timer = asyncio.get_running_loop().call_later(LONGEST, interceptor.cut)  # ends what the attack leaves waiting
    try:
        await _converse(sessions, record, script)
        await interceptor.attack.finish(interceptor)
    except Exception:
        record.error = traceback.format_exc()
    finally:
        timer.cancel()
        starting.cancel()
        with suppress(asyncio.CancelledError, ChatError, ExceptionGroup):
            await starting


def _narrate(interceptor: FrameInterceptor, role: Role, sentence: str) -> None:
    interceptor.narrative.tell(f"the {role.value}'s user {sentence}")


def _fault_in(records: Iterable[ParticipantRecord]) -> str:
    """The fault of a layer that ended a conversation; empty for none."""
    errors = (record.ending.error for record in records if record.ending)
    return next((str(error) for error in errors if isinstance(error, BrokenPlugin)), "")


async def measure_handshake(stacks: Mapping[Role, Stack], own: Stack) -> HandshakeSteps:
    """The frames that each participant sends before it may talk, as seen in an honest conversation."""
    return (await run_attack(stacks, own, Passive())).handshake_steps


async def _converse(sessions: Mapping[Role, DirectChat], record: AttackRecord, script: Sequence[tuple[Role, str]]) -> None:
    records = record.participants
    opened = await asyncio.gather(*(open_session(sessions[role], records[role]) for role in Role))
    await wait_until_idle()
    for role, count in Counter(frame.sender for frame in record.frames).items():
        named = [HandshakeStep(*step) for step in records[role].trace.steps[:count]]
        record.handshake_steps[role] = [*named, *[HandshakeStep()] * (count - len(named))]
    attending = {role: Attendance(sessions[role]) for role in Role if records[role].opened}
    for attendance in attending.values():
        attendance.enter()
    await wait_until_idle()
    if all(opened):
        await _talk(attending, records, script)
    for attendance in attending.values():
        await _leave(attendance)
        await wait_until_idle()
    await asyncio.gather(*(_wait_for_end(attendance, records[role]) for role, attendance in attending.items()))


async def _talk(
    attending: Mapping[Role, Attendance], records: Mapping[Role, ParticipantRecord], script: Sequence[tuple[Role, str]]
) -> None:
    for role, line in script:
        if not attending[role].session.ending:
            records[role].said.append(line)
            attending[role].talker.say(line)
            await wait_until_idle()


async def _leave(attendance: Attendance) -> None:
    if attendance.session.role is Role.INITIATOR and not attendance.session.ending:
        attendance.talker.say(EXIT)


async def _wait_for_end(attendance: Attendance, record: ParticipantRecord) -> None:
    record.ending = await attendance.over()
    if record.ending.error:
        record.warn(record.ending.error.sentence)
