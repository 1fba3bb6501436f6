"""What happened, in the order in which it happened."""

from pathlib import Path

from verdicts.stacks import stack_named

from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import measure
from plytalk.lab.attacks.narrative import NarratedStep, Narrative

HOST = Registry()


def narrated(stack: str, attack: str) -> list[NarratedStep]:
    *_, cell = measure([stack_named(stack, HOST)], [HOST.attack(attack)])
    assert cell.record
    return list(cell.record.interceptor.narrative)


def test_a_step_keeps_the_bytes_as_they_were() -> None:
    narrative, data = Narrative(), bytearray(b"once")
    narrative.tell("it was said", data)
    data[:] = b"then"
    assert list(narrative) == [NarratedStep("it was said", b"once")]


def test_a_replayed_frame_is_sent_by_the_client_once_and_by_the_attacker_again() -> None:
    steps = narrated("demo02", "replay")
    [sent] = [step for step in steps if step.sentence == "the client sent frame 0"]
    [again] = [step for step in steps if step.sentence == "the server was sent this by the attacker"]
    assert again.data == sent.data
    shown = [
        number for number, step in enumerate(steps) if step.sentence.startswith("the server's user was shown 'client line 0")
    ]
    assert steps.index(sent) < shown[0] < steps.index(again) < shown[1]


def test_what_a_man_in_the_middle_opened_and_sealed_is_told_between_what_came_and_what_was_shown() -> None:
    sentences = [step.sentence for step in narrated("secure-chat", "mitm")]
    read = next(at for at, sentence in enumerate(sentences) if sentence.startswith("the attacker read the client's"))
    assert sentences[read - 2 : read + 3 : 4] == [
        "the client sent the attacker a frame",
        "the server's user was shown 'client line 0 rewritten'",
    ]


def test_a_warning_is_told_to_the_user_who_got_it(tmp_path: Path) -> None:
    assert any(
        step.sentence.startswith("the server's user was warned: A record did not decrypt")
        for step in narrated("plytalk1", "drop")
    )
