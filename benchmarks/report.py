"""Figures as tables, and into README.md between its two markers."""

import re
import shlex
from pathlib import Path
from typing import Any

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- figures: begin (written by `python -m benchmarks --write`) -->", "<!-- figures: end -->"
Figures = dict[str, Any]

FASTER_AT_LEAST = {"demo01": {"64": 0.8, "256": 0.8, "16384": 0.8}}
FRAMED = {"64": 4.0, "256": 4.0, "16384": 2.0}
ROUND_TRIP_AT_MOST = 0.8
ALONE_AT_MOST_US = 1.5
HELP_AT_MOST_MS = 60
HANDSHAKES = {"XX": ("noiseprotocol", 1.4), "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256": ("asyncio TLS 1.3", 1.5)}
OF_BARE_AT_LEAST = {"16384": 0.85}
RECORD_AT_MOST_US = {"64": 2.5}
TOGETHER_AT_LEAST = 3_000_000
STREAM_AT_LEAST = 1.7
TRACE_OFF_AT_MOST = 1.02


def tables(figures: Figures) -> str:
    """All tables in Markdown."""
    return "\n\n".join(sections(figures).values())


def sections(figures: Figures) -> dict[str, str]:
    """Each table with its title and what it was measured with, by title."""
    made = {name: table(figures[name]).partition("\n\n") for name, table in TABLES.items() if name in figures}
    return {title: f"{title}\n\n{taken(figures, name)}\n\n{rows}" for name, (title, _, rows) in made.items()}


def taken(figures: Figures, name: str) -> str:
    """How a table was measured: with what, which commit, when, and the command to measure it again."""
    cores = figures["cores"] or "unpinned"
    command = f"./run python -m benchmarks --rounds {figures['rounds']} {shlex.quote(name)}"
    return (
        f"{figures['rounds']} rounds, Python {figures['python']}, {cores} cores, commit {figures['commit']}, {figures['date']}: "
        f"`{command}`."
    )


def write(figures: Figures) -> None:
    """Put the tables into README.md, each in the place of the one with its title, new ones behind."""
    before, _, rest = README.read_text().partition(BEGIN)
    old, _, after = rest.partition(END)
    kept = {one.partition("\n")[0]: one.strip() for one in re.split("^(?=### )", old, flags=re.M)[1:]}
    new = "\n\n".join((kept | sections(figures)).values())
    README.write_text(f"{before}{BEGIN}\n\n{new}\n\n{END}{after}")


def grid(title: str, head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def met(is_met: bool) -> str:
    return "yes" if is_met else "**no**"


def one_way(figures: Figures) -> str:
    rows = []
    for profile, sizes in figures.items():
        for size, one in sizes.items():
            goal = FASTER_AT_LEAST.get(profile, FRAMED)[size]
            rows.append(
                [
                    f"{profile}, {size} B",
                    *(f"{one[f'{program} {unit}']:,.0f}" for unit in ("messages/s", "MB/s") for program in ("ours", "plain")),
                    *ratios(one, "ours to plain", "fast to plain"),
                    f"≥ {goal:g}",
                    met(one["ours to plain"] >= goal),
                ]
            )
    head = ["plytalk, messages/s", "plain, messages/s", "plytalk, MB/s", "plain, MB/s", "times as fast", "on uvloop"]
    return grid("One way", ["", *head, "goal", "reached"], rows)


def round_trip(figures: Figures) -> str:
    rows = [
        [
            profile,
            *(f"{one[f'{program} us']:.1f}" for program in ("ours", "relay", "plain")),
            *ratios(one, "ours to relay", "fast to relay", "ours to plain", "fast to plain"),
            f"≤ {ROUND_TRIP_AT_MOST}",
            met(one["ours to relay"] <= ROUND_TRIP_AT_MOST),
        ]
        for profile, one in figures.items()
    ]
    head = ["plytalk, µs", "plain, µs", "one thread, µs", "time to plain", "on uvloop", "time to one thread", "on uvloop"]
    return grid("Round trip", ["", *head, "goal", "reached"], rows)


def set_up(figures: Figures) -> str:
    rows = [
        [profile, f"{one['ours ms']:.2f}", f"{one['plain ms']:.2f}", *ratios(one, "ours to plain", "fast to plain")]
        for profile, one in figures.items()
    ]
    return grid("Connection set-up", ["", "plytalk, ms", "plain, ms", "time to plain", "on uvloop"], rows)


def ratios(one: Figures, *names: str) -> list[str]:
    """Ratios to show; those on uvloop were only measured where it is installed."""
    return [f"{one[name]:.2f}" if name in one else "" for name in names]


def start_up(figures: Figures) -> str:
    row = [*(f"{value:.0f}" for value in figures.values()), f"≤ {HELP_AT_MOST_MS}"]
    return grid("Start-up", [*figures, "goal", "reached"], [[*row, met(figures["difference ms"] <= HELP_AT_MOST_MS)]])


def alone(figures: Figures) -> str:
    parts = list(next(iter(figures.values()))["layers us"])
    rows = [[part, *(f"{one['layers us'][part]:.2f}" for one in figures.values())] for part in parts]
    for way in ("out us", "in us"):
        rows.append([f"**the whole way {way.split()[0]}**", *(f"**{one[way]:.2f}**" for one in figures.values())])
    return grid("Pipeline alone, µs a message of 64 B", ["", *figures], rows)


def handshaking(figures: Figures, title: str = "Handshakes in one process, a second of one core") -> str:
    others = [name.removeprefix("to ") for name in next(iter(figures.values())) if name.startswith("to ")]
    rows = []
    for name, one in figures.items():
        other, goal = HANDSHAKES.get(name, ("", 0))
        reached = [f"≥ {goal:g} of {other}", met(one[f"to {other}"] >= goal)] if other in others else ["", ""]
        faster = [f"{one[f'to {each}']:.2f}" for each in others]
        rows.append([name, f"{one['server/s']:,.0f}", f"{one['both/s']:,.0f}", *faster, *reached])
    return grid(title, ["", "server side", "both sides", *(f"server side to {each}" for each in others), "goal", "reached"], rows)


def handshaking_over_tcp(figures: Figures) -> str:
    return handshaking(figures, "Handshakes over TCP, a second of one core")


def records(figures: Figures) -> str:
    rows = []
    for name, sizes in figures.items():
        for size, ways in sizes.items():
            least, most = OF_BARE_AT_LEAST.get(size), RECORD_AT_MOST_US.get(size)
            goal = f"≥ {least:.0%} of bare" if least else f"< {most} µs" if most else ""
            for way, one in ways.items():
                is_met = one["of bare"] >= least if least else one["layers us"] < most if most else None
                cells = [f"{one[f'{what} us']:.2f}" for what in ("layers", "best", "cipher", "bare")]
                cells += [f"{one[of]:.0%}" for of in ("of bare", "cipher of bare")]
                rows.append([f"{name}, {size} B, {way}", *cells, goal, "" if is_met is None else met(is_met)])
    head = ["both layers, µs", "best round, µs", "cipher alone, µs", "bare AEAD, µs", "layers' speed to bare", "cipher's to bare"]
    return grid("Records", ["", *head, "goal", "reached"], rows)


def together(figures: Figures) -> str:
    rows = [
        [
            name,
            *(f"{one[name]:,.0f}" for name in ("messages/s", "messages a processor second", "best")),
            *(f"{one[f'{end} us']:.2f}" for end in ("sender", "receiver")),
            f"≥ {TOGETHER_AT_LEAST:,}",
            met(one["messages/s"] >= TOGETHER_AT_LEAST),
        ]
        for name, one in figures.items()
    ]
    head = ["messages/s", "a processor second", "best round", "sender, processor µs", "receiver, processor µs", "goal", "reached"]
    return grid("Messages of 64 B that share records", ["", *head], rows)


def streaming(figures: Figures) -> str:
    rows = []
    for name, one in figures.items():
        busy = [f"{one[end]:.0%}" if end in one else "" for end in ("sender busy", "receiver busy")]
        faster = one.get("to socat")
        goal = [f"{faster:.2f}", f"≥ {STREAM_AT_LEAST}", met(faster >= STREAM_AT_LEAST)] if faster else ["", "", ""]
        rows.append([name, f"{one['MB/s']:,.0f}", *busy, *goal])
    return grid("A stream of a file's size", ["", "MB/s", "sender busy", "receiver busy", "to socat", "goal", "reached"], rows)


def goals(figures: Figures) -> str:
    rows = []
    for name, one in figures.items():
        at_least = one["limit"] == "at least"
        goal = f"{'≥' if at_least else '≤'} {one['goal']:g}{one['unit']}"
        if (found := one["measured"]) is None:
            rows.append([name, "not measured", goal, "", one["why"]])
            continue
        reached = found >= one["goal"] if at_least else found <= one["goal"]
        rows.append([name, f"{found:.2f}{one['unit']}", goal, met(reached), one["why"]])
    return grid("Goals", ["", "measured", "goal", "reached", "which side was busy"], rows)


def traced(figures: Figures) -> str:
    rows = []
    for profile, ways in figures.items():
        for way, one in ways.items():
            cells = [f"{one[f'{kind} us']:.2f}" for kind in ("without", "off", "on")]
            cells += [f"{one[f'{kind} to without']:.3f}" for kind in ("off", "on")]
            off = one["off to without"]
            rows.append([f"{profile}, {way}", *cells, f"≤ {TRACE_OFF_AT_MOST}", met(off <= TRACE_OFF_AT_MOST)])
    head = ["no tracing in it, µs", "off, µs", "on, µs", "off to none", "on to none", "goal", "reached"]
    return grid("Tracing, µs a message of 64 B", ["", *head], rows)


TABLES = {
    **{"one way": one_way, "round trip": round_trip, "set-up": set_up, "start-up": start_up, "alone": alone},
    **{"handshakes": handshaking, "handshakes over TCP": handshaking_over_tcp},
    **{"records": records, "records together": together, "stream": streaming},
    **{"tracing": traced, "goals": goals},
}
