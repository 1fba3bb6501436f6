import sys

import pytest

from plytalk.core.contracts.errors import Usage
from plytalk.lab.vectors import peer_program
from plytalk.lab.vectors.peer_program import PeerFailed, PeerProgram


def program(code: str) -> PeerProgram:
    return PeerProgram([sys.executable, "-c", code])


def test_an_answer_is_an_object() -> None:
    with program('input(); print(\'{"message": "00ff"}\', flush=True); input()') as peer:
        assert peer.get("message", do="write") == b"\0\xff"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("pass", "ended"),
        ("input(); print('[1]')", "is not a JSON object"),
        ("input(); print('nonsense')", "is not a JSON object"),
        ("input(); print('{}')", "instead of `message`"),
        ("input(); print('{\"message\": 5}')", "instead of `message`"),
        ('input(); print(\'{"message": "xyz"}\')', "instead of `message`"),
        ('input(); print(\'{"error": "\\\\u001b[2Jno"}\')', "instead of `message`"),
    ],
)
def test_anything_else_is_a_fault_of_the_program(code: str, said: str) -> None:
    with program(code) as peer, pytest.raises(PeerFailed, match=said) as fault:
        peer.get("message", do="write")
    assert "\x1b" not in str(fault.value)


def test_one_that_never_answers_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_program, "PATIENCE", 0.2)
    with program("import time; time.sleep(1000)") as peer, pytest.raises(PeerFailed, match="gave no answer"):
        peer.ask(do="start")


def test_one_that_cannot_be_started_is_a_mistake_of_the_user() -> None:
    with pytest.raises(Usage, match="cannot be started"), PeerProgram(["/no/such/program"]):
        pass
