"""The attacks on resources, in their short form, against a real server. How fast anything is, no test says."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.system.resources import attacks, report
from tests.system.resources.attacks import SHORT, Row

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="measures memory by /proc, as Linux has it")
TINY = replace(SHORT, oversize=20, flood=300, honest=2, stalled=4 * attacks.MIB, seconds=2.0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def test_lengths_beyond_every_limit_are_refused_at_the_header() -> None:
    rows = list(attacks.oversize(TINY))
    assert [row.id for row in rows] == ["A40"] * len(attacks.HEADERS)
    assert all(row.reached for row in rows), rows


def test_a_flood_leaves_the_server_alive_and_honest_peers_in() -> None:
    with attacks.serving() as server:
        honest = attacks.Honest(server.port)
        attacker = attacks.crowd("flood", server, TINY.flood, 200)
        assert attacks.said(attacker)["opened"] == TINY.flood
        asyncio.run(honest.conversation())
        assert server.lives


def test_slow_senders_keep_nobody_out() -> None:
    with attacks.serving() as server:
        honest = attacks.Honest(server.port)
        attacker = attacks.crowd("slow", server, 120, 200)
        try:
            taken = asyncio.run(attacks.beside(attacker, honest, 2))
        finally:
            attacker.kill()
            attacker.communicate()
    assert taken


def test_what_is_said_to_a_reader_that_never_reads_stays_in_the_pipe() -> None:
    with attacks.serving("--profile", "secure-chat") as server:
        amount = replace(TINY, stalled=64 * attacks.MIB)
        row = asyncio.run(attacks._stalled(server, amount))
    assert float(row.measured.split()[0]) < 32, row


def test_no_exception_in_a_layer_ends_the_server() -> None:
    (row,) = attacks.exceptions(TINY)
    assert row.reached, row


@pytest.fixture(autouse=True)
def now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "commit", lambda: "abc1234")
    monkeypatch.setattr(report, "today", lambda: "2026-01-02")


def test_the_table_says_what_was_not_reached() -> None:
    rows = [Row("A40", "done", "measured", "wanted", True), Row("A41", "other", "much", "little", False)]
    assert report.table(rows).splitlines()[2:] == [
        "| A40 | done | measured | wanted | yes | abc1234, 2026-01-02 |",
        "| A41 | other | much | little | **no** | abc1234, 2026-01-02 |",
    ]


def test_what_is_measured_again_takes_the_place_of_what_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nbelow\n")
    monkeypatch.setattr(report, "PAGE", page)
    report.write([Row("A40", "10 things", "slow", "fast", False), Row("A41", "a thing", "much", "little", True)])
    report.write([Row("A40", "12 things", "fast", "fast", True)], fresh=False)
    there = page.read_text().splitlines()
    assert there[:4] == ["above", "", report.BEGIN, ""]
    assert there[6:] == [
        "| A40 | 12 things | fast | fast | yes | abc1234, 2026-01-02 |",
        "| A41 | a thing | much | little | yes | abc1234, 2026-01-02 |",
        "",
        report.END,
        "",
        "below",
    ]
