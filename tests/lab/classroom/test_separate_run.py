"""Programs are judged in another process: what they print, write, start or break does not reach this one."""

import subprocess
import sys
from pathlib import Path

import pytest
from solving import SOLUTIONS

from plytalk.lab.classroom import exercise_book as book
from plytalk.lab.classroom import separate_run
from plytalk.lab.classroom.separate_run import judge_apart, verdict_in

PROGRAMS = [number for number in book.NUMBERS if book.exercise(number).is_program]


@pytest.mark.parametrize("number", PROGRAMS)
def test_a_right_program_is_right_there_too(number: int) -> None:
    answer = SOLUTIONS[number](book.files(number, "erin"))
    assert judge_apart(number, "erin", f"print('noise' * 10_000)\n{answer}").right
    assert not judge_apart(number, "frank", answer).right


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import os\nos._exit(0)", "ended the process"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "ended the process"),
        ('print(\'{"right": true, "why": "printed"}\')', "KeyError"),
        ("def layers(): return [int]", "other than one Cipher"),
        ("open('large', 'wb').write(bytes(1 << 21))", "File too large"),
        ("import os\nraise OSError(str('PLYTALK_TOKEN' in os.environ))", "OSError: False"),
        ("import os\nraise OSError(str(os.getcwd() == os.environ['HOME']))", "OSError: True"),
    ],
)
def test_a_program_that_misbehaves_is_wrong(program: str, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_TOKEN", "a secret of the teacher's")
    verdict = judge_apart(6, "erin", program)
    assert not verdict.right
    assert why in verdict.why


def test_a_program_that_goes_on_is_ended_with_what_it_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both hold a pipe open: that its end comes shows that they are gone."""
    monkeypatch.setattr(separate_run, "SECONDS", 3)
    pipe = tmp_path / "pipe"
    subprocess.run(["mkfifo", str(pipe)], check=True)
    program = f"import subprocess, time\nheld = open({str(pipe)!r}, 'w')\n"
    program += "subprocess.Popen(['sleep', '1000'], stdout=held)\ntime.sleep(1000)"
    reader = subprocess.Popen([sys.executable, "-c", f"open({str(pipe)!r}).read()"])
    verdict = judge_apart(6, "erin", program)
    assert "more than 3 seconds" in verdict.why
    assert reader.wait(180) == 0


@pytest.mark.parametrize("printed", [b"", b"{}", b"[]", b"\xff", b'{"right": true}', b"3"])
def test_a_verdict_that_is_none_is_wrong(printed: bytes) -> None:
    assert not verdict_in(printed, 1).right


def test_a_verdict_is_cleaned() -> None:
    verdict = verdict_in(b'{"right": 1, "why": "\\u001b[31mred"}', 0)
    assert not verdict.right
    assert "\x1b" not in verdict.why
