"""The goals for speed and memory, each beside what it is relative to, all in one run.

A row says what was measured (a ratio where it has no unit), the goal, and which side was busy. A row whose peer is not installed
says what to install.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from statistics import median

from benchmarks import handshakes, measure, pipeline, stream
from benchmarks.measure import Amount, Figures
from benchmarks.rooms import measure as rooms
from benchmarks.rooms.generator import Joined, Ran, room
from benchmarks.rooms.ours import OURS
from benchmarks.rooms.peers import PEERS
from benchmarks.rooms.report import fastest, kib, shares

SIZE = 64
PIPELINES = ("alone", "from chat to chat")
AT_ONCE = 100
"""How many handshakes over TCP begin at once."""
TLS, HANDSHAKE, JOIN = handshakes.TLS, handshakes.HYBRID[0], "a join"
LOOPS = {program: ", on uvloop" if loop else "" for program, (_, loop) in measure.OURS.items()}
"""What a row's name ends with, by our program that it measures."""
FASTEST, REDIS_TLS, REDIS = "the fastest TLS server", "redis TLS", "redis"
FAN_OUT = (
    *((10, 1, REDIS_TLS, 1.0), (100, 1, FASTEST, 1.15), (1000, 1, FASTEST, 1.15)),
    *((members, 64, other, goal) for members in (100, 1000) for other, goal in ((FASTEST, 1.3), (REDIS, 1.0))),
)
"""Members, messages in flight, relative to which server, at least."""


def goal(measured: float | None, limit: str, goal: float, why: str, unit: str = "") -> Figures:
    """One row: what was measured (None where it cannot be, and `why` says the reason), "at least" or "at most" how much."""
    return {"measured": measured, "limit": limit, "goal": goal, "why": why, "unit": unit}


at_least = partial(goal, limit="at least")
at_most = partial(goal, limit="at most")


def all_of_them(amount: Amount) -> Figures:
    """Every row by its name."""
    return alone(amount) | conversations(amount) | joins(amount) | fan_out_and_memory(amount) | streams(amount)


def alone(amount: Amount) -> Figures:
    """`typed` and `aesgcm`: the pipeline in multiples of the bare AEAD call; and with a conversation and a UI above it."""
    rounds = asyncio.run(pipeline.multiples("secure-chat", SIZE, amount.alone, amount.rounds, amount.repeats))
    measured = (median(way) for way in zip(*rounds, strict=True))
    names = [f"typed + aesgcm {what}, {SIZE} B, {way}, in bare AEAD calls" for what in PIPELINES for way in ("out", "in")]
    goals = (1.6, 1.75) * len(PIPELINES)
    return {name: at_most(one, goal=goal, why="one process") for name, one, goal in zip(names, measured, goals, strict=True)}


def conversations(amount: Amount) -> Figures:
    """The three profiles beside the plain program; where uvloop is installed, with it as well, as `chat` uses it."""
    rows = {}
    for profile, sizes in measure.one_way(amount).items():
        for size, one in sizes.items():
            if (least := one_way_goal(profile, size)) is not None:
                for program, loop in LOOPS.items():
                    name = f"one way, {profile}, {int(size):,} B, to the plain program{loop}"
                    rows[name] = at_least(one[f"{program} to plain"], goal=least, why=both(one) if program == "ours" else "")
    for profile, one in measure.round_trip(amount).items():
        for program, loop in LOOPS.items():
            name = f"round trip, {profile}, time to the plain program with two threads{loop}"
            rows[name] = at_most(one[f"{program} to relay"], goal=0.8, why="both, in turn, on one core")
    return rows


def one_way_goal(profile: str, size: str) -> float | None:
    if profile == "demo01":
        return 1.0 if size == "256" else None
    return 2.0 if size == "16384" else 4.0


def both(one: Mapping[str, float]) -> str:
    return f"sender {one['sender busy']:.0%}, receiver {one['receiver busy']:.0%}"


def joins(amount: Amount) -> Figures:
    """Handshakes over TCP, and joins into a room of a new server, by the server's CPU."""
    with ExitStack() as servers:
        names = (HANDSHAKE, TLS)
        over_tcp = {name: partial(servers.enter_context(handshakes.over_tcp(name)), min(amount.joins, AT_ONCE)) for name in names}
        measured = measure.interleaved(amount.rounds, over_tcp | {JOIN: partial(join, amount.joins)})
    server, _ = measure.halves(measured)
    ratios = {name: measure.ratio(server[TLS], server[name]) for name in (HANDSHAKE, JOIN)}
    beyond = median(joined - shaken for joined, shaken in zip(server[JOIN], server[HANDSHAKE], strict=True))
    why = "the server, whose CPU it is"
    return {
        f"XXhfs over TCP, by server CPU, to {TLS}": at_least(ratios[HANDSHAKE], goal=1.5, why=why),
        f"joins into a room, by server CPU, to {TLS} connections": at_least(ratios[JOIN], goal=1.25, why=why),
        "a join, server CPU beyond a handshake over TCP": at_most(beyond, goal=60, why=why, unit=" µs"),
    }


def join(count: int) -> tuple[float, float]:
    """CPU microseconds of a new server for each of `count` members that join; and the wall's."""
    with room(OURS, count) as one:
        return one.joined.cpu / count * 1e6, one.joined.wall / count * 1e6


def fan_out_and_memory(amount: Amount) -> Figures:
    """Rooms on every server that is installed, in the same rounds."""
    how = rooms.Amount(amount.members, (SIZE,), (1, 64), amount.rounds, amount.turn, joins=0)
    found = rooms.measure([OURS, *PEERS], how)
    rows = {}
    for members, flight, other, least in FAN_OUT:
        ran = found.ran.get((members, SIZE, flight), {})
        under_way = "one" if flight == 1 else flight
        rows[f"fan-out, {members:,} members, {under_way} in flight, to {other}"] = fan_out(ran, other, least, found.notes)
    return rows | memory(found.joined, found.notes)


def fan_out(ran: Mapping[str, list[Ran]], other: str, least: float, notes: Sequence[str]) -> Figures:
    """One row. `notes` say why a server has no figures."""
    peer = (fastest(ran) or REDIS_TLS) if other == FASTEST else other
    for name in (OURS.name, peer):
        if name not in ran:
            return at_least(None, goal=least, why=reason(name, notes))
    busy = f"{shares(ran[OURS.name])}; by server CPU {rooms.cpu_ratio(ran[OURS.name], ran[peer]):.2f}"
    busy += f" ({peer} was the fastest)" if other == FASTEST else ""
    return at_least(rooms.ratio(ran[OURS.name], ran[peer]), goal=least, why=busy)


def reason(name: str, notes: Sequence[str]) -> str:
    """Why a server has no figures: the note that names it, or else all notes."""
    named = next((note for note in notes if f"{name} " in note), " ".join(notes)).replace("\n", " ")
    return named or "Rooms of this size were not asked for."


def memory(joined: Mapping[int, Mapping[str, list[Joined]]], notes: Sequence[str]) -> Figures:
    """One idle member of the largest room, and the server before anybody joins."""
    most = max(joined, default=0)
    ours = joined.get(most, {}).get(OURS.name, [])
    member = kib(ours) if ours else None
    bare = median(one.bare for one in ours) / 2**20 if ours else None
    why = "" if ours else reason(OURS.name, notes)
    return {
        f"memory, one idle member of {most:,}": at_most(member, goal=10, why=why, unit=" KiB"),
        "memory, the bare server": at_most(bare, goal=36, why=why, unit=" MiB"),
    }


def streams(amount: Amount) -> Figures:
    """As many bytes as a file has, beside socat with TLS."""
    found = measure.streaming(amount)
    rows = {}
    for kind, least in zip(stream.KINDS, (1.2, 1.7), strict=True):
        one = found[kind]
        rows[f"stream, {kind}, to socat with TLS"] = at_least(one.get("to socat"), goal=least, why=stream.MISSING or both(one))
    return rows
