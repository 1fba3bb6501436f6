"""The measurements. Every comparison runs both sides in turn, round after round, and keeps the median of the rounds' ratios;
where there is nothing to compare with, the best round counts, since whatever else runs can only add to it.

What is returned is plain data, as `python -m benchmarks --json` prints it.
"""

import asyncio
import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, TypeVar

from benchmarks import handshakes, ours, pipeline, records, stream, tracing
from benchmarks.pairs import APART, ROOT, TOGETHER, Pair
from plytalk.core.registry.registry import Registry

PROFILES = ("demo01", "demo02", "secure-chat")
SIZES = (64, 256, 16384)
OURS = {"ours": ("ours", "")} | ({"fast": ("ours", "uvloop")} if importlib.util.find_spec("uvloop") else {})
PLAIN = {"plain": ("plain", "")}
RELAY = {"relay": ("plain", "relay")}
Programs = dict[str, tuple[str, str]]
Figures = dict[str, Any]
T = TypeVar("T")
Both = dict[str, list[tuple[float, float]]]


@dataclass(frozen=True)
class Amount:
    """How much is measured: rounds; in each of them messages sent by their size, echoes and handshakes; messages in a try of the
    pipeline alone, and such tries in a round; records, messages that share some, and messages of a stream; members of rooms,
    how many join in a round, and seconds of a turn.
    """

    rounds: int = 25
    sent: tuple[int, int, int] = (20_000, 20_000, 2_000)
    echoes: int = 2_000
    handshakes: int = 20
    alone: int = 1_000
    repeats: int = 20
    records: int = 1024
    together: int = 200_000
    stream: int = 4096
    members: tuple[int, ...] = (10, 100, 1000)
    joins: int = 1000
    turn: float = 0.35


def interleaved(rounds: int, measures: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Each measure once a round, the first one of a round changing; one round before that does not count."""
    results: dict[str, list[T]] = {name: [] for name in measures}
    order = list(measures)
    for number in range(rounds + 1):
        for name in order:
            seconds = measures[name]()
            if number:
                results[name].append(seconds)
        order.append(order.pop(0))
    return results


@contextmanager
def pairs(programs: Programs, profile: str, *, greeting: bool = False) -> Iterator[dict[str, Pair]]:
    """A pair of processes for each program."""
    with ExitStack() as open_pairs:
        yield {
            name: open_pairs.enter_context(Pair(program, profile, variant, greeting=greeting))
            for name, (program, variant) in programs.items()
        }


def ratio(upper: list[float], lower: list[float]) -> float:
    """The median of the rounds' ratios."""
    return median(a / b for a, b in zip(upper, lower, strict=True))


def one_way(amount: Amount) -> Figures:
    """Messages a second from one process to another, each on its own core. A ratio says how many times as fast we are."""
    figures: Figures = {}
    for profile in PROFILES:
        with pairs(OURS | PLAIN, profile) as all_pairs:
            for size, count in zip(SIZES, amount.sent, strict=True):
                seconds, shares = taken(amount.rounds, all_pairs, f"send {size} {count}", APART)
                figures.setdefault(profile, {})[str(size)] = {
                    **{f"{name} messages/s": count / median(each) for name, each in seconds.items()},
                    **{f"{name} MB/s": count * size / median(each) / 1e6 for name, each in seconds.items()},
                    **{f"{name} to plain": ratio(seconds["plain"], seconds[name]) for name in OURS},
                    **shares["ours"],
                }
    return figures


def round_trip(amount: Amount) -> Figures:
    """Microseconds until a message of 64 characters is back, both processes on one core. The ratios are our time to theirs."""
    figures: Figures = {}
    for profile in PROFILES:
        with pairs(OURS | RELAY | PLAIN, profile) as all_pairs:
            seconds, _ = taken(amount.rounds, all_pairs, f"echo 64 {amount.echoes}", TOGETHER)
        figures[profile] = {
            **{f"{name} us": median(each) / amount.echoes * 1e6 for name, each in seconds.items()},
            **{f"{name} to {other}": ratio(seconds[name], seconds[other]) for name in OURS for other in ("relay", "plain")},
        }
    return figures


def set_up(amount: Amount) -> Figures:
    """Milliseconds from `connect` until both ends have the session key and have parted; the RSA key is ready."""
    figures: Figures = {}
    for profile in PROFILES:
        with pairs(OURS | PLAIN, profile, greeting=True) as all_pairs:
            seconds, _ = taken(amount.rounds, all_pairs, f"connect {amount.handshakes}", APART)
        figures[profile] = {
            **{f"{name} ms": median(each) / amount.handshakes * 1e3 for name, each in seconds.items()},
            **{f"{name} to plain": ratio(seconds[name], seconds["plain"]) for name in OURS},
        }
    return figures


def taken(rounds: int, all_pairs: dict[str, Pair], order: str, cores: list[int]) -> tuple[dict[str, list[float]], Figures]:
    """Seconds that each pair took for an order, round by round; and the share of them that either end of each was busy."""
    measured = interleaved(rounds, {name: partial(pair.measure, order, cores) for name, pair in all_pairs.items()})
    return {name: [one[0] for one in each] for name, each in measured.items()}, {n: busy(each) for n, each in measured.items()}


def busy(measured: Sequence[Sequence[float]]) -> dict[str, float]:
    """The share of the time that the sender and the receiver were busy, of seconds, CPU seconds of one and of the other."""
    return {f"{end} busy": median(one[at] / one[0] for one in measured) for at, end in enumerate(("sender", "receiver"), 1)}


def start_up(amount: Amount) -> Figures:
    """Milliseconds for `chat --help` and for a Python that does nothing."""

    def run(*arguments: str) -> float:
        start = perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return perf_counter() - start

    seconds = interleaved(amount.rounds, {"python": lambda: run("-c", "pass"), "help": lambda: run("-m", "plytalk", "--help")})
    return {
        "python -c pass ms": min(seconds["python"]) * 1e3,
        "chat --help ms": min(seconds["help"]) * 1e3,
        "difference ms": (min(seconds["help"]) - min(seconds["python"])) * 1e3,
    }


def alone(amount: Amount) -> Figures:
    """Microseconds a message of 64 characters, without sockets: the whole pipeline, and each of its layers."""
    figures: Figures = {}
    for profile in PROFILES:
        tries = amount.rounds * amount.repeats
        both = asyncio.run(pipeline.alone(profile, 64, amount.alone, tries))
        chosen = ours.stack(Registry(), profile, pipeline.Counter)
        by_layer = [pipeline.layers(chosen, 64, amount.alone) for _ in range(tries)]
        figures[profile] = {
            "out us": min(out for out, _ in both),
            "in us": min(back for _, back in both),
            "layers us": {name: min(one[name] for one in by_layer) for name in by_layer[0]},
        }
    return figures


def halves(measured: Both) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """What was measured in pairs, apart."""
    return (
        {name: [one for one, _ in all_] for name, all_ in measured.items()},
        {name: [two for _, two in all_] for name, all_ in measured.items()},
    )


def handshaking(amount: Amount) -> Figures:
    """Handshakes a second of processor time in one process, the server's side and both. A ratio says how many times as fast."""
    measures = {name: partial(handshakes.in_process, make(), amount.handshakes) for name, make in handshakes.MAKERS.items()}
    fresh = {handshakes.RSA: partial(handshakes.rsa_2048, max(1, amount.handshakes // 10))}
    return rates(interleaved(amount.rounds, measures | fresh), handshakes.THEIRS)


def handshaking_over_tcp(amount: Amount) -> Figures:
    """The same over TCP, the server in its own process."""
    with ExitStack() as servers:
        measures = {
            name: partial(servers.enter_context(handshakes.over_tcp(name)), amount.handshakes) for name in handshakes.OVER_TCP
        }
        return rates(interleaved(amount.rounds, measures), handshakes.THEIRS, handshakes.TLS)


def rates(measured: Both, *others: str) -> Figures:
    server, both = halves(measured)
    return {
        name: {
            "server/s": 1e6 / median(server[name]),
            "both/s": 1e6 / median(both[name]),
            **{f"to {other}": ratio(server[other], server[name]) for other in others},
        }
        for name in measured
    }


def sealing(amount: Amount) -> Figures:
    """Microseconds a record, from text to ciphertext and back; the ratios are the speed that is left of the bare AEAD's."""
    figures: Figures = {}
    for name, cipher in records.CIPHERS.items():
        for size in records.SIZES:
            kinds = {kind: partial(make(cipher, size), amount.records) for kind, make in records.KINDS.items()}
            measured = interleaved(amount.rounds, kinds)
            for way, one in zip(("out", "in"), halves(measured), strict=True):
                figures.setdefault(name, {}).setdefault(str(size), {})[way] = {
                    **{f"{kind} us": median(each) for kind, each in one.items()},
                    "best us": min(one["layers"]),
                    "of bare": ratio(one["bare"], one["layers"]),
                    "cipher of bare": ratio(one["bare"], one["cipher"]),
                }
    return figures


def together(amount: Amount) -> Figures:
    """Messages of 64 characters that share records, over TCP from process to process: a second, and processor µs at each end."""
    with ExitStack() as open_pairs:
        measures = {
            name: partial(open_pairs.enter_context(records.Pair(records.suite(name))).measure, 64, amount.together)
            for name in records.CIPHERS
        }
        measured = interleaved(amount.rounds, measures)
    figures: Figures = {}
    for name, rounds in measured.items():
        wall, sender, receiver = (median(one) / amount.together for one in zip(*rounds, strict=True))
        busy = [max(sender, receiver) / amount.together for _, sender, receiver in rounds]
        figures[name] = {"messages/s": 1 / wall, "messages a processor second": 1 / median(busy), "best": 1 / min(busy)} | {
            "sender us": sender * 1e6,
            "receiver us": receiver * 1e6,
        }
    return figures


def streaming(amount: Amount) -> Figures:
    """Megabytes a second of one long stream, and the share of the time that either end of ours was busy. The ratio is our rate
    to that of the faster socat, of the medians of the rounds.
    """
    size = amount.stream * stream.SIZE
    with records.Pair(stream.OURS) as pair, TemporaryDirectory() as folder:
        measures: dict[str, Callable[[], list[float]]] = {
            name: partial(pair.measure, stream.SIZE, amount.stream, kind) for name, kind in stream.KINDS.items()
        }
        if not stream.MISSING:
            file = handshakes.certificate(folder)
            measures |= {name: partial(stream.socat, file, size, *options) for name, options in stream.SOCAT.items()}
        measured = interleaved(amount.rounds, measures)
    seconds = {name: median(one[0] for one in rounds) for name, rounds in measured.items()}
    figures: Figures = {name: {"MB/s": size / each / 1e6} for name, each in seconds.items()}
    theirs = [each for name, each in seconds.items() if name in stream.SOCAT]
    for name in stream.KINDS:
        figures[name] |= busy(measured[name])
        if theirs:
            figures[name]["to socat"] = min(theirs) / seconds[name]
    return figures


def traced(amount: Amount) -> Figures:
    """Microseconds a message of 64 characters over memory: with no tracing in the source, with tracing that is off, and on."""
    figures: Figures = {}
    for profile in PROFILES:
        measured = asyncio.run(tracing.measure(profile, 64, amount.alone, amount.rounds * amount.repeats))
        for way, one in zip(("out", "in"), halves(measured), strict=True):
            best = {kind: min(each) for kind, each in one.items()}
            figures.setdefault(profile, {})[way] = {
                **{f"{kind} us": seconds for kind, seconds in best.items()},
                **{f"{kind} to without": best[kind] / best["without"] for kind in ("off", "on")},
            }
    return figures
