"""Figures as tables in Markdown, and into README.md between its two markers."""

import platform
import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.pairs import CORES
from benchmarks.provenance import commit, today
from benchmarks.report import grid, met
from benchmarks.rooms.generator import Joined, Ran
from benchmarks.rooms.measure import Amount, Case, Figures, cpu_ratio, ratio
from benchmarks.rooms.ours import OURS, SUITE
from benchmarks.rooms.peers import PEERS

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures: begin (written by `python -m benchmarks.rooms --write`) -->", "<!-- figures: end -->"
ENCRYPTED = {peer.name for peer in PEERS if peer.encrypted}
PLAIN = "redis"
TO_FASTEST = {1: 1.15, 64: 1.3}
TO_PLAIN = {64: 1.0}
GOALS_FOR = (100, 1000)
MEMBER_AT_MOST_KIB, BARE_AT_MOST_MIB, JOINS_AT_LEAST = 10, 36, 3000
BUSY = 0.9


def tables(figures: Figures, amount: Amount) -> str:
    """What was measured with, how it was, and all tables."""
    parts = [
        f"{amount.rounds} rounds of {amount.seconds:g} s, {len(CORES) or 'unpinned'} cores, Python {platform.python_version()}, "
        f"{ssl.OPENSSL_VERSION.rsplit(' ', 3)[0]}, commit {commit()}, {today()}: "
        f"`./run python -m benchmarks.rooms --rounds {amount.rounds} --seconds {amount.seconds:g}`. "
        f"TLS is TLS 1.3 with AES-256-GCM; plytalk/1 is {SUITE}.",
        *figures.notes,
    ]
    if any(OURS.name in ran for ran in figures.ran.values()):
        parts.append(summary(figures))
    parts += [case(each, ran) for each, ran in figures.ran.items()]
    return "\n\n".join([*parts, resting(figures), joins(figures)])


def write(text: str) -> None:
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}")


def titled(case: Case) -> str:
    members, size, flight = case
    return f"{members:,} members, {size} B, {'one' if flight == 1 else flight} in flight"


def middle(ran: Sequence[Ran], of: Callable[[Ran], float]) -> float:
    return median(map(of, ran))


def rate(ran: Sequence[Ran]) -> float:
    return middle(ran, lambda each: each.rate)


def shares(ran: Sequence[Ran]) -> str:
    """The share of the time that the server and the load generator were busy."""
    server, generator = middle(ran, lambda each: each.server / each.seconds), middle(ran, lambda each: each.busy)
    return f"server {server:.0%}, generator {generator:.0%}"


def fastest(ran: Mapping[str, list[Ran]]) -> str:
    """The fastest of the others with TLS; empty where none ran."""
    return max(ENCRYPTED & ran.keys(), key=lambda name: rate(ran[name]), default="")


def summary(figures: Figures) -> str:
    rows = []
    for one, ran in figures.ran.items():
        if OURS.name not in ran:
            continue
        cells = [titled(one), f"{rate(ran[OURS.name]):,.0f}"]
        for other, goals in ((fastest(ran), TO_FASTEST), (PLAIN if PLAIN in ran else "", TO_PLAIN)):
            goal = goals.get(one[2]) if one[0] in GOALS_FOR else None
            cells += against(ran, other, goal)
        rows.append(cells)
    head = ["", "plytalk/1, deliveries/s"]
    for other in ("fastest with TLS", "without encryption"):
        head += [other, "times as fast", "by server CPU", "goal", "reached"]
    return grid("Ours to the others", head, rows)


def against(ran: dict[str, list[Ran]], other: str, goal: float | None) -> list[str]:
    if not other:
        return [""] * 5
    found = ratio(ran[OURS.name], ran[other])
    verdict = [f"≥ {goal:g}", met(found >= goal)] if goal else ["", ""]
    return [f"{other}: {rate(ran[other]):,.0f}", f"{found:.2f}", f"{cpu_ratio(ran[OURS.name], ran[other]):.2f}", *verdict]


def case(one: Case, ran: dict[str, list[Ran]]) -> str:
    rows = []
    for name, all_ in sorted(ran.items(), key=lambda item: -rate(item[1])):
        busy = middle(all_, lambda each: each.busy)
        rows.append(
            [
                name,
                f"{rate(all_):,.0f}",
                f"{middle(all_, lambda each: each.cost) * 1e6:.2f}",
                f"{middle(all_, lambda each: each.p50) * 1e3:.2f}",
                f"{middle(all_, lambda each: each.p99) * 1e3:.2f}",
                f"{middle(all_, lambda each: each.server / each.seconds):.0%}",
                f"{busy:.0%}" + (" (the limit)" if busy > BUSY else ""),
                f"{middle(all_, lambda each: each.others):.0%}",
            ]
        )
    head = ["deliveries/s", "server CPU µs each", "p50 ms", "p99 ms", "server busy", "generator busy", "others on the machine"]
    return grid(titled(one), ["", *head], rows)


def resting(figures: Figures) -> str:
    """Memory: the bare process, and what a member adds."""
    counts = sorted(figures.joined)
    rows = []
    for name in names(figures):
        by_count = [figures.joined[count].get(name, []) for count in counts]
        bare = median(each.bare for all_ in by_count for each in all_) / 2**20
        shown = [f"{kib(all_):.1f}" if all_ else "" for all_ in by_count]
        last = [kib(all_) for all_ in by_count if all_][-1]
        goal = ["", ""] if name != OURS.name else [GOAL, met(last <= MEMBER_AT_MOST_KIB and bare <= BARE_AT_MOST_MIB)]
        rows.append([name, f"{bare:.1f}", *shown, *goal])
    head = ["bare, MiB", *(f"KiB a member of {count:,}" for count in counts), "goal", "reached"]
    return grid("Memory at rest", ["", *head], rows)


GOAL = f"≤ {MEMBER_AT_MOST_KIB} KiB, bare ≤ {BARE_AT_MOST_MIB} MiB"


def kib(all_: Sequence[Joined]) -> float:
    return median((each.full - each.bare) / each.members for each in all_) / 1024


def joins(figures: Figures) -> str:
    counts = sorted(figures.joined)
    rows = []
    for name in names(figures):
        cells = [name]
        for count in counts:
            all_ = figures.joined[count].get(name, [])
            cells += [f"{median(count / each.wall for each in all_):,.0f}" if all_ else ""]
            cells += [f"{median(count / each.cpu for each in all_):,.0f}" if all_ else ""]
        best = max(count / each.cpu for count in counts for each in figures.joined[count].get(name, []))
        rows.append([*cells, *(["", ""] if name != OURS.name else [f"≥ {JOINS_AT_LEAST:,}", met(best >= JOINS_AT_LEAST)])])
    head = [text for count in counts for text in (f"{count:,} join, a second", "a second of server CPU")]
    return grid("Joins", ["", *head, "goal", "reached"], rows)


def names(figures: Figures) -> list[str]:
    return list(dict.fromkeys(name for joined in figures.joined.values() for name in joined))
