"""One stack's bytes fed to another (A15): whatever the pair, nobody talks, nobody hangs, and both ends end.

Both say what is wrong, but for one: an end without a handshake that hears nothing cannot know why the other side is gone.
"""

from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest

from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.run import AttackRecord, Passive, run_attack
from plytalk.lab.attacks.scenario import ATTACKER, Scenario, scenarios

HOST = Registry()
KNOWN = [HOST.profile(name) for name in HOST.names("profile")]
SCENARIOS = [
    replace(scenario, auths=())
    for scenario in scenarios(HOST)
    if scenario.name.split()[0] in HOST.names("profile") and (not scenario.auths or scenario.first_contact)
    if "--transport" not in scenario.name  # the bytes are the same
]


def meet(client: Scenario, server: Scenario, folder: Path) -> AttackRecord:
    """A client of one stack and a server of another, with an honest wire between them."""

    async def met() -> AttackRecord:
        ends = {
            Role.INITIATOR: client.stack("client", folder, KNOWN),
            Role.RESPONDER: server.stack("server", folder, KNOWN),
        }
        for role, stack in ends.items():
            await prepare(stack.handshake, role, lambda prompt: "")
        return await run_attack(ends, server.stack(ATTACKER, folder), HonestWire())

    return clock.run(met())


class HonestWire(Passive):
    """Passes on every byte, whatever it may be: no framer could understand both sides."""

    name = "wire"

    async def start(self, interceptor) -> bool:
        for role in Role:
            there = interceptor.streams[role.other]
            interceptor.streams[role].deliver_to(
                lambda data, there=there: there.send(bytes(data)), lambda error, there=there: there.finish()
            )
        return True


def understand_each_other(one: Scenario, other: Scenario) -> bool:
    """Whether the two stacks count as the same for each other: the default offers every hybrid suite, one by one."""
    named = {one.name, other.name}
    return "plytalk1 --accept-new" in named and any(name.startswith("plytalk1 --suite XXhfs") for name in named)


PAIRS = list(permutations(SCENARIOS, 2))


def test_there_is_every_ordered_pair() -> None:
    assert len(PAIRS) == len(SCENARIOS) * (len(SCENARIOS) - 1)
    assert len(SCENARIOS) == len(KNOWN) + 4


@pytest.mark.parametrize(("client", "server"), PAIRS, ids=[f"{one.name}->{two.name}".replace(" ", "_") for one, two in PAIRS])
def test_no_talk_and_no_hang(client, server, tmp_path) -> None:
    evidence = meet(client, server, tmp_path)
    assert evidence.error == ""
    if understand_each_other(client, server):
        assert all(evidence.faithful(role) for role in Role)
        assert not evidence.alarmed
        return
    for role, scenario in ((Role.INITIATOR, client), (Role.RESPONDER, server)):
        side = evidence.participants[role]
        assert side.shown == []
        if side.opened and not side.alarms:
            assert scenario.name == "demo01"
            assert side.ending.by is EndedBy.THEM
        else:
            assert side.alarms
    assert evidence.alarmed
