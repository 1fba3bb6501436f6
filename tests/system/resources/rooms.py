"""Rooms with thousands of members in them, and the attacks on their server while they talk."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import monotonic

from plytalk.core.contracts.items import CloseReason
from plytalk.plugins.rooms.event_log import MAX_BYTES, MOST_BYTES
from tests.system.resources.attacks import MIB, Amount, Row, beside, crowd, ms, p99, said
from tests.system.resources.members import Heard, Member, Members, open_files
from tests.system.resources.server import Honest, Server, serving

SPARE = 500
"""Places for newcomers beside the members."""
AT_REST = 10.0
"""Seconds of rest."""
NOISY, NOISE, EVERY = 20, 3900, 0.1
"""Members of the room in which one does not read; bytes a message there; the seconds between two messages of a talker."""
REMOVED = "was removed: you did not read"


Step = Callable[["Scene"], Awaitable[Row]]


def rooms(amount: Amount, *only: Step) -> Iterator[Row]:
    """Ten thousand members, and A41 to A43 while they are there; or some of that, always first the members."""
    open_files()
    with serving("--headless", "--members", str(amount.members + SPARE)) as server, asyncio.Runner() as runner:
        scene = runner.run(Scene.made(server, amount))
        for step in (multitude, *(only or STEPS)):
            yield runner.run(step(scene))
        runner.run(scene.members.leave())


@dataclass
class Scene:
    """A server with its members, and how much is done there."""

    server: Server
    members: Members
    amount: Amount

    @classmethod
    async def made(cls, server: Server, amount: Amount) -> "Scene":
        return cls(server, Members(server.port, amount.members, amount.a_room), amount)


async def multitude(scene: Scene) -> Row:
    server, members, amount = scene.server, scene.members, scene.amount
    bare, worked = server.memory, server.cpu
    seconds = await members.join()
    joining, memory, count = server.cpu - worked, server.memory, len(members.all)
    worked = server.cpu
    await asyncio.sleep(min(AT_REST, amount.seconds))
    rest = (server.cpu - worked) / min(AT_REST, amount.seconds)
    worked, begun = server.cpu, monotonic()
    heard = await members.talk(amount.seconds, amount.period)
    talking = (server.cpu - worked) / (monotonic() - begun)
    return Row(
        "room",
        f"{count:,} members in rooms of {amount.a_room}; {len(members.talkers):,} of them say a message each "
        f"{amount.period:g} s, for {amount.seconds:g} s",
        f"joined in {seconds:.0f} s, with {joining / count * 1000:.1f} ms of the server's processor each; its memory "
        f"{memory / MIB:.0f} MiB, {(memory - bare) / count / 1024:.1f} KiB a member; its share of a processor "
        f"{rest:.1%} at rest, {talking:.0%} while they talk; {told(heard)}",
        "p99 at most 250 ms, nothing lost",
        not heard.lost,
        p99(heard.took) <= 0.25,
    )


def told(heard: Heard) -> str:
    middle = sorted(heard.took)[len(heard.took) // 2]
    return (
        f"{heard.said:,} messages heard {len(heard.took):,} times, p50 {ms(middle)}, p99 {ms(p99(heard.took))}, {heard.lost} lost"
    )


async def _attacked(scene: Scene, kind: str, count: int, addresses: int) -> tuple[dict[str, float], list[float], Heard]:
    """The attacker's figures, how long newcomers' conversations took meanwhile, and what the members heard."""
    honest = Honest(scene.server.port)
    await honest.conversation()
    attacker = crowd(kind, scene.server, count, addresses)
    try:
        taken, heard = await asyncio.gather(
            beside(attacker, honest, 60),
            scene.members.talk(60, scene.amount.period, lambda: attacker.poll() is None),
        )
        return await asyncio.to_thread(said, attacker), taken, heard
    finally:
        attacker.kill()


def source(addresses: int) -> str:
    return "from one address" if addresses == 1 else f"from {addresses} addresses"


async def slow(scene: Scene, addresses: int) -> Row:
    figures, taken, heard = await _attacked(scene, "slow", scene.amount.slow_in_rooms, addresses)
    return Row(
        "A41",
        f"{figures['opened']:,.0f} senders of 1 byte a second, {source(addresses)}, beside {scene.amount.members:,} members",
        f"p99 of {len(taken)} newcomers' conversations {ms(p99(taken))}; members: {told(heard)}; {figures['left']:.0f} left, "
        f"the last sender dropped after {figures['longest']:.1f} s",
        "both p99 at most 250 ms, nothing lost; all dropped within 11 s",
        not heard.lost and not figures["left"],
        max(p99(taken), p99(heard.took)) <= 0.25 and figures["longest"] <= 11,
    )


async def flood(scene: Scene, addresses: int) -> Row:
    before = scene.server.memory
    figures, taken, heard = await _attacked(scene, "flood", scene.amount.flood, addresses)
    after = await Honest(scene.server.port).conversation()
    grown = scene.server.memory - before
    during = f"{len(taken)} newcomers' conversations during it, p99 {ms(p99(taken))}" if taken else "over before one conversation"
    return Row(
        "A42",
        f"{figures['opened']:,.0f} connects in {figures['seconds']:.1f} s {source(addresses)}, beside "
        f"{scene.amount.members:,} members",
        f"{during}; members: {told(heard)}; afterwards {ms(after)}; memory grew by {grown / MIB:.1f} MiB",
        "newcomers get in during it and afterwards; members lose nothing; the server lives",
        scene.server.lives and bool(taken) and not heard.lost,
    )


async def stalled(scene: Scene) -> Row:
    """In a room full of noise one does not read. The room's log is full before it comes, and may grow until that one is gone."""
    server, amount = scene.server, scene.amount
    noisy = Members(server.port, NOISY, NOISY, first=len(scene.members.all), prefix="noisy")
    await noisy.join()
    before, alone, _ = await _noise(server, noisy, amount.noise)
    idle = Member(len(scene.members.all) + NOISY, "noisy0")
    await idle.join(server.port, noisy.stack, receive_buffer=4096)
    idle.session.stream.pause()
    most, beside, dropped = await _noise(server, noisy, 6 * amount.noise, REMOVED)
    idle.session.stream.resume()
    async with asyncio.timeout(10):
        ending = await idle.over
    idle.session.stream.close()
    others = await scene.members.talk(min(5, amount.seconds), amount.period)
    await noisy.leave()
    grown = max(0, most - before)
    return Row(
        "A43",
        f"One of {NOISY} in a room never reads while the others say {NOISE:,} bytes each {EVERY:g} s, beside "
        f"{amount.members:,} members",
        f'{f"dropped after {dropped:.0f} s" if dropped else "not dropped"} and told: "{ending.reason}"; memory grew by '
        f"{grown / 1024:,.0f} KiB; the others: {told(beside)} (p99 before {ms(p99(alone.took))}); "
        f"all members afterwards: {told(others)}",
        f"memory at most {MOST_BYTES // MIB} MiB for the room's log and 1 MiB for the member; others at most doubled, "
        "nothing lost; dropped and told why",
        grown <= MOST_BYTES - MAX_BYTES + MIB and ending.code is CloseReason.TOO_SLOW and not beside.lost,
        p99(beside.took) <= 2 * p99(alone.took) + 0.005,
    )


async def _noise(server: Server, noisy: Members, seconds: float, until: str = "") -> tuple[int, Heard, float]:
    """Have a room talk, until the server tells something: the most memory meanwhile, what was heard, when it was told."""
    most, begun, came = server.memory, monotonic(), 0.0

    def going() -> bool:
        nonlocal most, came
        most = max(most, server.memory)
        if until and not came and any(until in line for line in tuple(server.told)):
            came = monotonic() - begun
        return not came

    heard = await noisy.talk(seconds, EVERY, going, NOISE)
    return most, heard, came


STEPS: tuple[Step, ...] = (
    *(partial(attack, addresses=addresses) for attack in (slow, flood) for addresses in (1, 200)),
    stalled,
)
