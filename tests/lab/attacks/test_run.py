"""One conversation under attack: what both people said and saw, and a fault in a layer seen as one."""

import asyncio
from pathlib import Path

from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attack import Attack, Outcome, Passing
from plytalk.lab.attacks.interceptor import Interceptor
from plytalk.lab.attacks.run import LINES, Evidence, Passive, judge, measure_preludes, run_attack
from plytalk.lab.attacks.scenario import ATTACKER, Scenario, scenarios


def stacks(name: str, folder: Path) -> tuple[dict[Role, Stack], Stack]:
    [scenario] = [scenario for scenario in scenarios(Registry()) if scenario.name == name]
    return {role: scenario.stack(role.value, folder) for role in Role}, scenario.stack(ATTACKER, folder)


async def prepared(name: str, folder: Path) -> tuple[dict[Role, Stack], Stack]:
    ends, own = stacks(name, folder)
    for role, stack in (*ends.items(), (Role.RESPONDER, own)):
        await prepare(stack.handshake, role, lambda prompt: "")
    return ends, own


class Silence(Attack):
    """Lets nothing through."""

    name = "silence"

    def frame(self, interceptor: Interceptor, passing: Passing) -> None:
        pass

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.alarmed


def test_an_honest_conversation_arrives_whole(tmp_path) -> None:
    async def honest() -> Evidence:
        ends, own = await prepared("demo02", tmp_path)
        return await run_attack(ends, own, Passive())

    evidence = clock.run(honest())
    assert evidence.crash == ""
    for role in Role:
        assert len(evidence.said_by(role)) == LINES
        assert evidence.faithful(role)
    assert judge(Passive(), evidence) is Outcome.UNDETECTED


def test_the_handshake_s_length_is_measured(tmp_path) -> None:
    async def lengths() -> list[dict[Role, int]]:
        return [await measure_preludes(*await prepared(name, tmp_path / name)) for name in ("demo01", "secure-chat")]

    assert clock.run(lengths()) == [{Role.INITIATOR: 0, Role.RESPONDER: 0}, {Role.INITIATOR: 1, Role.RESPONDER: 1}]


def test_time_limits_end_what_nobody_answers_and_cost_no_time(tmp_path) -> None:
    async def unanswered() -> Evidence:
        ends, own = await prepared("secure-chat", tmp_path)
        return await run_attack(ends, own, Silence())

    evidence = clock.run(unanswered())
    assert all(side.alarms for side in evidence.sides.values())
    assert judge(Silence(), evidence) is Outcome.DETECTED


def test_a_layer_that_raises_is_a_crash_and_no_detection(tmp_path, monkeypatch) -> None:
    async def broken() -> Evidence:
        ends, own = await prepared("demo02", tmp_path)
        monkeypatch.setattr(ends[Role.RESPONDER].cipher.layer, "open", lambda self, sealed: 1 / 0)
        return await run_attack(ends, own, Passive())

    evidence = clock.run(broken())
    assert "ZeroDivisionError" in evidence.crash
    assert judge(Passive(), evidence) is Outcome.CRASHED


def test_no_task_is_left_behind(tmp_path) -> None:
    async def several() -> int:
        ends, own = await prepared("demo01", tmp_path)
        for attack in (Passive(), Silence()):
            await run_attack(ends, own, attack)
        return len(asyncio.all_tasks())

    assert clock.run(several()) == 1


def test_setups_keep_their_files_in_their_folder(tmp_path) -> None:
    [scenario] = [scenario for scenario in scenarios(Registry()) if scenario.name == "plytalk1 XX_25519_AESGCM pinned"]
    assert isinstance(scenario, Scenario)
    assert {layer.name for layer in scenario.auths} == {"known-hosts"}
    scenario.stack("client", tmp_path)
    assert (tmp_path / "client").is_dir()
