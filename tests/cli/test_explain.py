"""`chat explain`: what a stack protects, what it does not, what an attacker can do, which layer to change."""

import json

from programs import chat, complaint


def test_the_default_protects_everything_that_there_is_a_word_for() -> None:
    run = chat("explain")
    assert run.returncode == 0
    assert "(the chat plytalk1)" in run.stdout
    assert "Nothing that this program knows of." in run.stdout


def test_an_older_stack_s_sheet_shows_what_is_missing_and_what_to_change() -> None:
    sheet = json.loads(chat("explain", "--profile", "secure-chat", "--json").stdout)
    assert sheet["profile"] == "secure-chat"
    assert {row["property"] for row in sheet["protects"]} == {"secrecy", "integrity"}
    lacks = {row["property"]: row for row in sheet["lacks"]}
    assert "man in the middle" in lacks["peer identity"]["attacker"]
    assert "--handshake plytalk1" in lacks["forward secrecy"]["change"]
    assert any("rsa" in caution for caution in sheet["cautions"])


def test_a_promise_that_hangs_on_another_says_so() -> None:
    sheet = json.loads(chat("explain", "--profile", "demo02", "--json").stdout)
    secrecy = next(row for row in sheet["protects"] if row["property"] == "secrecy")
    assert secrecy["means"].endswith("as long as nobody posed as the other side from the start")


def test_plaintext_protects_nothing() -> None:
    run = chat("explain", "--cipher", "none")
    assert "Nothing: everyone may listen in." in run.stdout
    assert run.returncode == 0


def test_classical_suites_are_not_called_safe_from_quantum_computers() -> None:
    sheet = json.loads(chat("explain", "--suite", "any", "--json").stdout)
    assert "post-quantum secrecy" in {row["property"] for row in sheet["lacks"]}
    assert "`--suite hybrid` has none" in " ".join(sheet["cautions"])  # what to change is the option, not the handshake


def test_an_impossible_stack_is_refused_in_one_sentence_that_names_both_layers() -> None:
    run = chat("explain", "--cipher", "aesgcm", "--handshake", "none")
    assert run.returncode == 2
    assert "The cipher `aesgcm` needs keys" in complaint(run)
    assert "the handshake `none`" in complaint(run)
