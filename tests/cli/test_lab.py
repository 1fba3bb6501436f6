"""`chat lab`: the matrix for people and programs, and an exit code for both."""

import json

from programs import chat, complaint

from plytalk.cli.lab import verdict
from plytalk.core.contracts.attack import Outcome
from plytalk.lab.attacks.matrix import Cell

CELL = ("--stack", "secure-chat", "--attack", "replay")


def test_it_prints_the_matrix() -> None:
    run = chat("lab", "--stack", "secure-chat", "--stack", "demo01", "--attack", "replay", "--attack", "mitm")
    assert run.returncode == 0
    assert "B  demo01" in run.stdout
    assert "replay" in run.stdout
    assert "attacking demo01" in run.stderr


def test_programs_get_a_list_of_cells() -> None:
    run = chat("lab", *CELL, "--seeds", "2", "--json")
    cells = json.loads(run.stdout)
    assert cells[0]["attack"] == "passive"
    assert cells[1:] == [
        {"attack": "replay", "stack": "secure-chat", "seed": seed, "predicted": "broken", "measured": "broken"}
        for seed in range(2)
    ]


def test_markdown_is_a_table() -> None:
    lines = chat("lab", *CELL, "--markdown").stdout.splitlines()
    assert lines[0] == "| attack | secure-chat |"
    assert lines[-2:] == ["| *which messages arrive* | |", "| replay | broken |"]


def test_a_page_stands_alone() -> None:
    page = chat("lab", *CELL, "--html").stdout
    assert page.startswith("<!doctype html>")
    assert '<tr><th scope="row">replay</th><td class="BROKEN True">broken</td></tr>' in page
    assert "default-src 'none'" in page


def test_the_exit_code_is_a_verdict() -> None:
    def code(predicted: Outcome, measured: Outcome, strict: bool = False) -> int:
        return verdict([Cell("a", "s", 0, predicted, measured)], strict)

    held, broken, error = Outcome.HELD, Outcome.BROKEN, Outcome.ERROR
    assert [code(held, held), code(broken, broken), code(held, broken), code(broken, held)] == [0, 0, 1, 1]
    assert [code(held, held, strict=True), code(broken, broken, strict=True)] == [0, 1]
    assert [code(held, error), code(broken, error, strict=True)] == [7, 7]
    assert [chat("lab", *CELL).returncode, chat("lab", *CELL, "--strict").returncode] == [0, 1]


def test_a_stack_is_named_as_it_is_chosen() -> None:
    run = chat("lab", "--stack", "plytalk1 --accept-new", "--stack", "cipher chacha20poly1305", "--attack", "mitm")
    assert run.returncode == 0
    assert run.stdout.splitlines()[:2] == ["  A  plytalk1 --accept-new", "  B  --cipher chacha20poly1305"]


def test_why_tells_what_happened_down_to_the_byte() -> None:
    story = chat("lab", *CELL, "--why").stdout
    assert "the attacker sent the client's frame 0 again" in story
    assert "client line 0" in story
    assert "   1  the server sent handshake frame 0, 451 bytes\n      2d2d2d2d2d424547494e" in story


def test_unknown_names_are_refused() -> None:
    assert "The lab has no stack 'nosuch'" in complaint(chat("lab", "--stack", "nosuch"))
    run = chat("lab", "--attack", "repaly")
    assert run.returncode == 2
    assert "Did you mean `replay`?" in complaint(run)


def test_what_the_attacker_saw_and_did_is_traced_for_one_cell(tmp_path) -> None:
    path = tmp_path / "mitm.trace"
    one = ("--stack", "demo02", "--attack", "mitm", "--trace", str(path))
    run = chat("lab", *one, "--attack", "drop")
    assert run.returncode == 2
    assert "A trace holds one attack on one stack." in complaint(run)
    assert not path.exists()
    assert chat("lab", *one).returncode == 0
    shown = chat("inspect", str(path)).stdout
    assert "client 0  <- text\n    messages  trimmed           25 bytes\n       0 +25   text = client line 0 canary-7f3a" in shown
    assert "server 0  -> text\n    messages  trimmed           23 bytes\n       0 +23   text = client line 0 rewritten" in shown
