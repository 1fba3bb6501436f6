"""The exercises of the lab book: right answers pass, wrong ones are told why, and every page stands beside its exercise."""

import sys
from pathlib import Path

import pytest
from programs import chat, complaint

from plytalk.cli.exercises import EXERCISES, exercise
from plytalk.core.contracts.errors import Usage
from plytalk.core.registry.registry import Registry
from plytalk.lab.inspect.trace_file import read

DOCS = Path(__file__).parents[2] / "docs" / "lab"
HOST = Registry()

RIGHT = [
    (2, "inject"),
    (3, "mitm"),
    (4, "replay"),
    (4, "duplicate"),
    (5, "replay,reflect,truncate"),
    (5, "drop, reorder, swallow-goodbye"),
    (7, "known-hosts"),
    (7, "psk"),
    (7, "peer"),
    (8, "Noise_XXhfs_25519+MLKEM768_AESGCM_SHA256"),
    (8, "hybrid"),
]
WRONG = [
    (2, "replay", "it has to be held there"),
    (2, "handshake-drop", "it has to be broken there"),
    (3, "replay", "it has to be broken"),
    (4, "eavesdrop", "it has to be broken"),
    (5, "replay,drop", "at least three"),
    (5, "replay,replay,replay", "at least three"),
    (5, "replay,drop,lengths", "another reason"),
    (5, "replay,drop,tamper", "does not succeed"),
    (6, "aesgcm:replay", "make your own"),
    (8, "Noise_XX_25519_AESGCM_SHA256", "breaks X25519"),
    (8, "Noise_NN_25519_AESGCM_SHA256", "has no suite"),
]


@pytest.mark.parametrize(("number", "answer"), [one for one in RIGHT if one[0] != 3 or one[1] != "replay"])
def test_right_answers_pass(number, answer) -> None:
    verdict = exercise(number).check(HOST, answer)
    assert verdict.right, verdict.why


@pytest.mark.parametrize(("number", "answer", "why"), WRONG)
def test_wrong_answers_are_told_why(number, answer, why) -> None:
    verdict = exercise(number).check(HOST, answer)
    assert not verdict.right
    assert why in verdict.why


def test_an_answer_that_no_stack_of_the_lab_has_is_told_why(monkeypatch) -> None:
    monkeypatch.setattr("plytalk.cli.exercises.scenarios", lambda registry: [])
    verdict = exercise(7).check(HOST, "peer")
    assert not verdict.right
    assert "no stack with" in verdict.why


@pytest.mark.parametrize(
    ("auth", "why"), [("known-hosts", "before the first secret byte"), ("words", "learnt who the client is")]
)
def test_what_refuses_the_man_in_the_middle_does_so_early_or_late(auth, why) -> None:
    assert why in exercise(7).check(HOST, auth).why


def test_what_needs_a_package_that_is_not_there_is_no_answer(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "spake2", None)
    with pytest.raises(Usage, match="plytalk1 code"):
        exercise(7).check(HOST, "code")


def test_the_words_are_read_off_the_wire(tmp_path) -> None:
    path = tmp_path / "wire.trace"
    assert chat("lab", "exercise", "1", "--make", str(path)).returncode == 0
    said = b"".join(event.data for event in read(path) if event.layer == "transport").decode()
    words = said.partition("place is the ")[2].partition(".")[0].replace(" by the ", " ")
    assert chat("lab", "exercise", "1", "--check", f"{path}:{words}").returncode == 0
    run = chat("lab", "exercise", "1", "--check", f"{path}:no idea")
    assert run.returncode == 1
    assert run.stdout.startswith("Not yet. ")


def test_they_are_listed_and_shown() -> None:
    assert len(chat("lab", "exercise").stdout.splitlines()) == 8
    assert "An answer is the name of an attack" in chat("lab", "exercise", "3").stdout
    assert "There is no exercise 9" in complaint(chat("lab", "exercise", "9"))
    assert "needs no file" in complaint(chat("lab", "exercise", "2", "--make", "x"))
    with pytest.raises(Usage):
        exercise(0)


def test_each_exercise_has_its_page() -> None:
    pages = sorted(page for page in DOCS.glob("[1-8]-*.md"))
    assert [page.read_text().splitlines()[0] for page in pages] == [
        f"# {number}. {one.title}" for number, one in enumerate(EXERCISES, 1)
    ]
    assert all("What you should see" in page.read_text() for page in pages)
