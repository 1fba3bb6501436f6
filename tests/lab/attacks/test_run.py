"""One conversation under attack: what both people said and saw, and a fault in a layer seen as one."""

import asyncio
from pathlib import Path

import pytest

from plytalk.core.contracts.attack import Attack, Evidence, InterceptedFrame, Interceptor, Outcome
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.interceptor import HandshakeStep, HandshakeSteps
from plytalk.lab.attacks.matrix import measure
from plytalk.lab.attacks.run import LINES, AttackRecord, Passive, judge, measure_handshake, run_attack
from plytalk.lab.attacks.scenario import ATTACKER, Scenario, scenarios
from plytalk.plugins.attacks.insiders import FalseGoodbye


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

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        pass

    def succeeded(self, evidence: Evidence) -> bool:
        return not evidence.alarmed


def test_an_honest_conversation_arrives_whole(tmp_path) -> None:
    async def honest() -> AttackRecord:
        ends, own = await prepared("demo02", tmp_path)
        return await run_attack(ends, own, Passive())

    record = clock.run(honest())
    assert record.error == ""
    for role in Role:
        assert len(record.participants[role].said) == LINES
        assert record.faithful(role)
    assert judge(Passive(), record) is Outcome.HELD


def test_what_each_side_sends_before_it_may_talk_is_measured(tmp_path) -> None:
    async def steps(name: str) -> HandshakeSteps:
        return await measure_handshake(*await prepared(name, tmp_path / name))

    rsa = {Role.INITIATOR: [HandshakeStep("session key")], Role.RESPONDER: [HandshakeStep("public key")]}
    assert [clock.run(steps(name)) for name in ("demo01", "secure-chat", "demo02")] == [{}, rsa, rsa]
    plytalk1 = clock.run(steps("plytalk1"))
    assert [step.name for step in plytalk1[Role.INITIATOR]][:3] == ["preamble", "message A", "message C"]
    assert [step.name for step in plytalk1[Role.RESPONDER]] == ["preamble", "message B", ""]  # a record lets the client in


def test_time_limits_end_what_nobody_answers_and_cost_no_time(tmp_path) -> None:
    async def unanswered() -> AttackRecord:
        ends, own = await prepared("secure-chat", tmp_path)
        return await run_attack(ends, own, Silence())

    record = clock.run(unanswered())
    assert all(participant.alarms for participant in record.participants.values())
    assert judge(Silence(), record) is Outcome.HELD


def test_a_layer_that_raises_is_an_error_and_not_a_stack_that_held(tmp_path, monkeypatch) -> None:
    async def broken() -> AttackRecord:
        ends, own = await prepared("demo02", tmp_path)
        monkeypatch.setattr(ends[Role.RESPONDER].cipher.layer, "open", lambda self, sealed: 1 / 0)
        return await run_attack(ends, own, Passive())

    record = clock.run(broken())
    assert "ZeroDivisionError" in record.error
    assert judge(Passive(), record) is Outcome.ERROR


class Clumsy(Silence):
    """Raises at the first frame."""

    name = "clumsy"

    def handle_frame(self, interceptor: Interceptor, frame: InterceptedFrame) -> None:
        raise KeyError(frame.index)


class Undecided(Passive):
    """Raises when it is asked what came of it."""

    name = "undecided"

    def succeeded(self, evidence: Evidence) -> bool:
        raise KeyError("x")


@pytest.mark.parametrize("kind", [Clumsy, Undecided])
def test_an_attack_that_raises_is_an_error_and_not_a_stack_that_held(tmp_path, kind: type[Attack]) -> None:
    log: list[str] = []

    async def attacked() -> Outcome:
        ends, own = await prepared("demo02", tmp_path)
        return judge(kind(0), await run_attack(ends, own, kind(0), log=log.append))

    assert clock.run(attacked()) is Outcome.ERROR
    assert f"failed: The attack `{kind.name}` raised KeyError. See {__file__}:" in log[-1]


def test_an_attack_that_is_traced_does_the_same(tmp_path) -> None:
    [scenario] = [scenario for scenario in scenarios(Registry()) if scenario.name == "plytalk1"]
    events: list[TraceEvent] = []
    for trace in (None, events.append):
        cell = list(measure([scenario], [FalseGoodbye], trace=trace))[-1]
        assert cell.record is not None
        [alarm] = cell.record.participants[Role.RESPONDER].alarms
        assert alarm.startswith("The goodbye counts other records than those that came.")
    assert [event.group for event in events if event.layer == "cipher"] == ["server 0"] * 2


def test_no_task_is_left_behind(tmp_path) -> None:
    async def several() -> int:
        ends, own = await prepared("demo01", tmp_path)
        for attack in (Passive(), Silence()):
            await run_attack(ends, own, attack)
        return len(asyncio.all_tasks())

    assert clock.run(several()) == 1


def test_setups_keep_their_files_in_their_folder(tmp_path) -> None:
    [scenario] = [scenario for scenario in scenarios(Registry()) if scenario.name == "plytalk1 --suite XX_25519_AESGCM"]
    assert isinstance(scenario, Scenario)
    assert {layer.name for layer in scenario.auths} == {"known-hosts"}
    scenario.stack("client", tmp_path)
    assert (tmp_path / "client").is_dir()
