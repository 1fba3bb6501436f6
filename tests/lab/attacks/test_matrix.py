"""The matrix: every installed attack on every stack; what is measured is what the layers promise."""

import sys

import pytest

from plytalk.core.contracts.attack import Attack, Outcome, Target
from plytalk.core.contracts.peers import Role
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell, measure, passed_on
from plytalk.lab.attacks.run import Passive
from plytalk.lab.attacks.scenario import Scenario, scenarios

HOST = Registry()
PROFILES = set(HOST.names("profile"))
WITHOUT_PROFILE = {"--cipher chacha20poly1305", "--handshake noise"}
SCENARIOS = [one for one in scenarios(HOST) if one.name.split()[0] in PROFILES or one.name in WITHOUT_PROFILE]
ATTACKS = [HOST.attack(name) for name in HOST.names("attack") if HOST.found["attack", name].distribution == "plytalk"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_every_attack_does_what_was_predicted(scenario: Scenario) -> None:
    cells = list(measure([scenario], ATTACKS))
    assert [
        f"{cell.attack}: {cell.predicted} -> {cell.measured} {cell.record and cell.record.error}"
        for cell in cells
        if not cell.agrees
    ] == []
    assert len(cells) == len(ATTACKS) + 1


def test_many_seeds_need_no_more_memory_where_nobody_reads_the_records() -> None:
    [scenario] = [one for one in SCENARIOS if one.name == "demo01"]
    kept, dropped = (list(measure([scenario], ATTACKS, (0, 1), keep_records=keep)) for keep in (True, False))
    assert [(one.attack, one.seed, one.measured) for one in dropped] == [(one.attack, one.seed, one.measured) for one in kept]
    assert [one for one in dropped[1:] if one.record] == []
    assert [one for one in kept if one.record]


def test_the_control_raises_no_alarm() -> None:
    for scenario in SCENARIOS:
        [control] = measure([scenario], [])
        assert control.attack == Passive.name
        assert control.record is not None
        assert not control.record.alarmed
        assert all(control.record.faithful(role) for role in Role)


def test_there_are_stacks_of_every_kind() -> None:
    names = {scenario.name for scenario in SCENARIOS}
    assert {"demo01", "demo02", "secure-chat", "plytalk1", "plytalk1 --accept-new"} <= names
    assert sum(name.startswith("plytalk1") for name in names) == 20
    assert sum(name.endswith("--accept-new") for name in names) == 5
    options = ("psk-file FILE", "code", "words", "peer FINGERPRINT", "allow FILE", "known-hosts revoked", "known-hosts bom")
    assert {f"plytalk1 --{option}" for option in options} <= names
    assert {"demo02 --peer FINGERPRINT", "secure-chat --peer FINGERPRINT"} <= names
    assert names >= WITHOUT_PROFILE


def test_the_old_stacks_are_broken_and_the_default_holds() -> None:
    chosen = [scenario for scenario in SCENARIOS if scenario.name in ("secure-chat", "plytalk1")]
    attacks = ATTACKS
    outcomes = {(cell.stack, cell.attack): cell.measured for cell in measure(chosen, attacks)}
    for name in ("mitm", "replay", "reorder", "drop", "reflect", "truncate"):
        assert outcomes["secure-chat", name] is Outcome.BROKEN
        assert outcomes["plytalk1", name] is Outcome.HELD


@pytest.mark.parametrize(
    ("auth", "alarm"),
    [("psk-file FILE", "know the same secret"), ("code", "know the same secret"), ("words", "You said no to the words")],
)
def test_who_has_another_secret_or_words_that_differ_is_noticed_for_that(auth: str, alarm: str) -> None:
    [_, cell] = measure([scenario for scenario in SCENARIOS if scenario.name == f"plytalk1 --{auth}"], [HOST.attack("mitm")])
    assert cell.measured is Outcome.HELD
    assert cell.record is not None
    assert alarm in " ".join(
        alarm for participant in cell.record.participants.values() for alarm in participant.alarms
    )  # the participant that sees it first
    assert all(not participant.shown for participant in cell.record.participants.values())


def test_a_code_is_dead_after_five_guesses_and_new_for_each_attack() -> None:
    guess = HOST.attack("guess")
    cells = list(measure([scenario for scenario in SCENARIOS if scenario.name == "plytalk1 --code"], [guess], range(3)))
    assert [cell.measured for cell in cells[1:]] == [Outcome.HELD] * 3
    assert {cell.log for cell in cells[1:]} == {("tried 10 codes, of which the server judged 5",)}


def test_words_come_too_late_for_what_the_handshake_shows_and_the_layer_says_so() -> None:
    [attack] = [attack for attack in ATTACKS if attack.name == "early-secret"]
    chosen = {scenario.name: scenario for scenario in SCENARIOS if scenario.name.startswith("plytalk1 ") and not scenario.options}
    del chosen["plytalk1 --accept-new"]
    for name in ("plytalk1 --allow FILE", "plytalk1 --allow FILE --transport relay"):
        del chosen[name]  # there the server judges, and the client anybody
    predicted = {name: cell.predicted for name, scenario in chosen.items() for cell in [*measure([scenario], [attack])][1:]}
    assert predicted.pop("plytalk1 --words") is Outcome.BROKEN
    assert set(predicted.values()) == {Outcome.HELD}


def test_a_stack_that_wants_what_is_not_here_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spake2", None)
    told: list[str] = []
    chosen = [scenario for scenario in SCENARIOS if scenario.name in ("plytalk1 --code", "demo01")]
    assert {cell.stack for cell in measure(chosen, [], progress=told.append)} == {"demo01"}
    assert told[-1].startswith("left out plytalk1 --code: One-time codes need the package `spake2`.")


def test_people_pass_on_what_they_are_told_to() -> None:
    assert passed_on(["The secret is 3-a-b. Tell it only to the other participant; it is valid once.", "More."]) == "3-a-b"
    assert passed_on([]) == ""


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_each_attack_tells_its_story(attack: type[Attack]) -> None:
    assert attack.threat
    assert attack.reference
    assert attack.target is not Target.OTHER
    assert len((attack.__doc__ or "").strip().splitlines()) >= 3


def test_the_same_seed_gives_the_same_attack() -> None:
    [scenario] = [scenario for scenario in SCENARIOS if scenario.name == "demo02"]
    [drop] = [attack for attack in ATTACKS if attack.name == "drop"]
    logs = [[cell.log for cell in measure([scenario], [drop], range(4))] for _ in range(2)]
    assert logs[0] == logs[1]
    assert len(set(logs[0])) > 1


def test_a_cell_agrees_when_prediction_and_measurement_do() -> None:
    assert Cell("a", "s", 0, Outcome.HELD, Outcome.HELD).agrees
    assert not Cell("a", "s", 0, Outcome.HELD, Outcome.BROKEN).agrees
    assert not Cell("a", "s", 0, Outcome.BROKEN, Outcome.ERROR).agrees
