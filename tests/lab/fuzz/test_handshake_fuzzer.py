"""The fuzzer finds what was planted in a handshake that it has never seen, and nothing in one that is sound."""

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from unseen import planted, unseen

from plytalk.lab.fuzz.handshake_fuzzer import FuzzReport, HandshakeFuzzer, Stuck, deadline

ATTEMPTS = 2000
"""What a fault may take: on a quiet machine about two seconds."""


def up_to(attempts: int) -> Callable[[FuzzReport], bool]:
    """Go on until the first finding, for this many attempts."""
    return lambda report: report.attempts < attempts and not report.findings


def found(folder: Path, right: str, wrong: str, attempts: int = 500) -> list[str]:
    report = HandshakeFuzzer(unseen(folder, right, wrong)).run(up_to(attempts))
    return [finding.sentence for finding in report.findings]


def test_of_thirty_planted_faults_at_least_twenty_five_are_found(tmp_path: Path) -> None:
    faults = planted()
    assert len({name for name, _, _ in faults}) == 30
    missed = [name for name, right, wrong in faults if not found(tmp_path, right, wrong, ATTEMPTS)]
    assert len(missed) <= 5, missed


def test_nothing_is_found_in_a_handshake_that_is_sound(tmp_path: Path) -> None:
    report = HandshakeFuzzer(unseen(tmp_path)).run(up_to(1500))
    assert report.findings == []
    assert report.attempts >= 1500
    assert 0 < report.lines < report.all_lines


def test_a_finding_tells_what_was_changed(tmp_path: Path) -> None:
    signature = ("        verify(server, signature, signed)\n", "")
    report = HandshakeFuzzer(unseen(tmp_path, *signature)).run(lambda report: report.attempts < 400)
    [finding] = [one for one in report.findings if one.sentence.startswith("A changed message")]
    assert finding.change.startswith("message 1 of the server: ")


def test_each_finding_is_told_once(tmp_path: Path) -> None:
    report = FuzzReport()
    report.add("A fault.", "one change")
    report.add("A fault.", "another change")
    assert [(one.sentence, one.change) for one in report.findings] == [("A fault.", "one change")]


def test_the_same_seed_draws_the_same_changes(tmp_path: Path) -> None:
    fault = ("if not hmac.compare_digest(confirmed,", "if confirmed and not hmac.compare_digest(confirmed,")
    changes = {HandshakeFuzzer(unseen(tmp_path, *fault), seed=5).run(up_to(2000)).findings[0].change for _ in range(2)}
    assert len(changes) == 1


def for_ever() -> None:
    with deadline(0.05):
        while True:
            pass


def test_code_that_never_gives_control_back_is_stopped() -> None:
    with pytest.raises(Stuck):
        for_ever()
    with deadline(3600):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0), "an alarm is left"


def test_a_server_that_fails_after_hostile_conversations_is_found(tmp_path: Path) -> None:
    right = "        suites, theirs = read_hello(hello)\n"
    wrong = (
        "        try:\n            suites, theirs = read_hello(hello)\n"
        "        except HandshakeFailed:\n            self.poisoned = True\n            raise\n"
        "        if getattr(self, 'poisoned', False):\n            raise HandshakeFailed('Poisoned.')\n"
    )
    assert found(tmp_path, right, wrong)
