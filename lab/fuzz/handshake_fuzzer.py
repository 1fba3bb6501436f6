"""`chat lab fuzz`: a handshake against its contract, for as long as one likes.

    the conformance kit           every rule of the contract, once
    undisturbed conversations     keys that repeat, are short, go over the wire or come from a predictable source
    played-back conversations     replay, and a side's own messages sent back to it
    disturbed conversations       messages changed at random, led by the lines of the plugin that they reach

A finding is a sentence. Each is told once, with the change that led to it.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

from plytalk.core.bases.header_framer import HeaderFramer
from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import FrameKind
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property
from plytalk.core.io.alarm import alarm
from plytalk.lab.fuzz.line_coverage import LineCoverage, code_lines, constants, source_of
from plytalk.lab.fuzz.mutations import Mutator, Recipe
from plytalk.lab.fuzz.oracles import disturbed, undisturbed
from plytalk.lab.fuzz.scripted_peer import mirror, play_back
from plytalk.testing.attempts import CLIENT, SERVER, Attempts, Course, Edit
from plytalk.testing.handshakes import check_handshake
from plytalk.testing.parts import TypedFrames

CONVERSATIONS = 16
"""How many undisturbed conversations are compared."""
PATIENCE = 5.0
"""Seconds that one attempt may take, whatever the other side sends."""
PAUSE = 64
"""After this many disturbed conversations there is one that nobody disturbs."""
CONSTANTS = (b"\0", b"\1", b"\xff", b"\0" * 31 + b"\1", b"\1" + b"\0" * 31)
"""What an attacker sends in place of every message, repeated to its length: it knows what comes of numbers such as 0 and 1."""


class Stuck(BaseException):
    """Code that does not end. Not an Exception, so that the code at fault does not catch it."""


@dataclass(frozen=True)
class FuzzFinding:
    """Something that is wrong: a sentence, and the change that showed it, if it took one."""

    sentence: str
    change: str = ""


@dataclass
class FuzzReport:
    """What a run came to. `lines` of the plugin's `all_lines` have run."""

    attempts: int = 0
    findings: list[FuzzFinding] = field(default_factory=list)
    lines: int = 0
    all_lines: int = 0

    def add(self, sentence: str, change: str = "") -> None:
        """Note a finding, unless it was told before."""
        if all(sentence != one.sentence for one in self.findings):
            self.findings.append(FuzzFinding(sentence, change))


Goes = Callable[[FuzzReport], bool]
"""Asked before each attempt: whether to go on."""


class HandshakeFuzzer:
    """Fuzzes the handshake that `make` gives: for the client, for the server (unless `server` does), and for a second server."""

    def __init__(self, make: Callable[[], Handshake], server: Callable[[], Handshake] | None = None, seed: int = 0) -> None:
        self._make, self._make_server = make, server or make
        self._random = random.Random(seed)  # noqa: S311 - a change must be repeatable
        self.report = FuzzReport()
        self._file = source_of(make())

    def run(self, goes: Goes) -> FuzzReport:
        """Look for faults while `goes`."""
        report = self.report
        with LineCoverage([self._file]) as coverage:
            self._try(lambda: check_handshake(self._make, self._make_server))
            if goes(report):
                asyncio.run(self._talk(goes, coverage))
        report.lines = len(coverage.lines & (every := code_lines(self._file)))
        report.all_lines = len(every)
        return report

    def _try(self, check: Callable[[], None]) -> None:
        self.report.attempts += 1
        try:
            with deadline(6 * PATIENCE):
                check()
        except Stuck:
            self.report.add("The conformance kit does not come to an end: a side of the handshake hangs.")
        except AssertionError as fault:
            self.report.add(str(fault))

    async def _talk(self, goes: Goes, coverage: LineCoverage) -> None:
        client = await prepared(self._make(), CLIENT)
        server, other = [await prepared(self._make_server(), SERVER) for _ in range(2)]
        attempts = Attempts(client, server, TypedFrames, PATIENCE)
        courses = [course for _ in range(CONVERSATIONS) if (course := await self._once(attempts)) and _succeeded(course)]
        if len(courses) < CONVERSATIONS:
            self.report.add("A handshake that nobody disturbs fails.")
        if len(courses) < 2:
            return
        for sentence in undisturbed(courses, client, server):
            self.report.add(sentence)
        await self._predict(attempts)
        await self._play_back(courses[0], client, server)
        await self._replace_all(attempts)
        await self._disturb((attempts, Attempts(client, other, TypedFrames, PATIENCE)), courses, goes, coverage)

    async def _once(self, attempts: Attempts, recipe: Recipe | None = None) -> Course | None:
        """One conversation; None where it hangs, which is a finding."""
        self.report.attempts += 1
        try:
            with deadline(2 * PATIENCE):
                return await attempts.once(edit=recipe.edit if recipe else None)
        except (Stuck, AssertionError):
            self.report.add("A side of the handshake hangs.", str(recipe or ""))
            return None

    async def _predict(self, attempts: Attempts) -> None:
        """Whether the same state of Python's `random`, which must not make secrets, gives the same keys or messages."""
        state, keys = random.getstate(), set()
        sent: dict[tuple[Role, int], set[bytes]] = {}
        for number in (0, 0, 1):
            random.seed(number)
            if (course := await self._once(attempts)) is None or not _succeeded(course):
                return
            keys.add(bytes(course.secrets[0].send))
            for role in Role:
                for index, (_, payload) in enumerate(course.frames[role][:-1]):
                    sent.setdefault((role, index), set()).add(payload)
        random.setstate(state)
        advice = "the module `random`, whose output can be predicted: use `secrets` or os.urandom."
        if len(keys) == 2:
            self.report.add(f"The keys come from {advice}")
        for role, index in (message for message, payloads in sent.items() if len(payloads) == 2):
            self.report.add(f"Message {index + 1} of the {role.value} comes from {advice}")

    async def _play_back(self, course: Course, client: Handshake, server: Handshake) -> None:
        fresh = Property.FRESHNESS in client.gives
        for role, end in ((SERVER, server), (CLIENT, client)):
            recorded = course.frames[role.other][:-1]
            if recorded and fresh and not end.first_record_proves and await self._completes(play_back(end, role, recorded)):
                self.report.add(f"The {role.value} takes a recorded conversation for a new one, though it claims FRESHNESS.")
            if course.frames[role][:-1] and await self._completes(mirror(end, role)):
                self.report.add(f"The {role.value} takes its own messages, sent back to it, for those of the other side.")

    async def _completes(self, talk: Awaitable[bool]) -> bool:
        self.report.attempts += 1
        try:
            with deadline(2 * PATIENCE):
                return await talk
        except Stuck:
            self.report.add("A side of the handshake hangs.", "the other side plays back recorded messages")
            return False

    async def _replace_all(self, attempts: Attempts) -> None:
        """Constants in place of every message of both sides: no agreement may come of them."""
        for constant in CONSTANTS:
            self.report.attempts += 1
            with deadline(2 * PATIENCE):
                course = await attempts.once(edit=always(constant))
            for sentence in disturbed(course, changed=True):
                self.report.add(sentence, f"every message replaced by {constant.hex()}, repeated to its length")

    async def _disturb(self, attempts: Sequence[Attempts], courses: Sequence[Course], goes: Goes, coverage: LineCoverage) -> None:
        mutator = Mutator.of_courses(self._random, courses, constants(self._file))
        coverage.news()
        while mutator.messages and goes(self.report):
            recipe = mutator.draw()
            course = await self._once(self._random.choice(attempts), recipe)
            if course is None:
                continue
            sent = course.frames[recipe.sender]
            changed = recipe.index < len(sent) and recipe.apply(sent[recipe.index][1]) != sent[recipe.index][1]
            for sentence in disturbed(course, changed):
                self.report.add(sentence, str(recipe))
            if coverage.news():
                mutator.corpus.append(recipe)
            if self.report.attempts % PAUSE == 0 and (honest := await self._once(attempts[0])) and not _succeeded(honest):
                self.report.add("After disturbed conversations, one that nobody disturbs fails.", str(recipe))


def always(constant: bytes) -> Edit:
    """Replaces every message by a constant, repeated to the message's length."""

    def edit(sender: Role, index: int, framer: HeaderFramer, kind: FrameKind, payload: bytes) -> bytes:
        return framer.encode(kind, (constant * len(payload))[: len(payload)])

    return edit


def _succeeded(course: Course) -> bool:
    return not any(isinstance(result, BaseException) for result in course.results.values())


async def prepared(end: Handshake, role: Role) -> Handshake:
    """The handshake, with its keys, for one side. Raises ChatError, and UnknownPeer where it would ask its user."""
    await prepare(end, role, _nobody)
    return end


def _nobody(prompt: str) -> str:
    raise UnknownPeer(f"{prompt} Nobody can be asked here.")


def deadline(seconds: float) -> AbstractContextManager[None]:
    """Raise Stuck in code that takes longer: see `alarm`."""
    return alarm(seconds, _raise_stuck)


def _raise_stuck(frame: FrameType | None) -> NoReturn:
    raise Stuck
