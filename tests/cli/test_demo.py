"""`chat demo`: a real conversation, what of it goes over the wire, and what each layer made of the words."""

import re

import pytest
from programs import ENVIRONMENT, chat


@pytest.fixture
def home(tmp_path):
    return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}


@pytest.mark.parametrize("arguments", [[], ["--cipher", "none"], ["--profile", "demo02"], ["--compare"]])
def test_the_first_output_fits_on_a_screen(home, arguments) -> None:
    run = chat("demo", *arguments, environment=home)
    assert run.returncode == 0
    lines = run.stdout.splitlines()
    assert len(lines) <= 24
    assert [line for line in lines if len(line) > 80] == []


def test_beside_the_words_stands_what_goes_over_the_wire(home) -> None:
    run = chat("demo", environment=home)
    assert run.stderr == ""
    assert re.search(r"^-> Meet me at the usual place at nine\. +82 bytes( [0-9a-f]{2}){8}", run.stdout, re.M)
    assert re.search(r"^<- I will be there\. Bring the umbrella! +82 bytes( [0-9a-f]{2}){8}", run.stdout, re.M)
    assert "  - Not a word of what was said.\n" in run.stdout
    assert "  - Not how long each message is: all have 82 bytes.\n" in run.stdout


def test_three_stacks_are_shown_side_by_side(home) -> None:
    run = chat("demo", "--compare", environment=home)
    head, *lines = run.stdout.splitlines()
    assert head.split() == ["demo01", "secure-chat", "plytalk1"]
    rows = {line[:23].strip(): re.split(r" {2,}", line[23:].strip()) for line in lines}
    assert rows["an eavesdropper reads"] == ["every word", "not a word", "not a word"]
    assert rows["if a key leaks later"] == ["readable", "readable", "still secret"]
    assert rows["a changed message"] == ["not noticed", "noticed", "noticed"]
    assert rows["a man in the middle"] == ["not noticed", "not noticed", "refused"]
    refused = chat("demo", "--compare", "--full", environment=home)
    assert (refused.returncode, "Leave out --full" in refused.stderr) == (2, True)


def test_a_page_is_written(home, tmp_path) -> None:
    run = chat("demo", "--html", str(tmp_path / "demo.html"), environment=home)
    assert (run.returncode, run.stdout) == (0, "")
    assert "Meet me at the usual place at nine." in (tmp_path / "demo.html").read_text()


def test_it_shows_the_conversation_the_handshake_and_every_layer(home) -> None:
    run = chat("demo", "--full", environment=home)
    assert run.returncode == 0
    assert run.stderr == ""
    assert "1 message: text = Meet me at the usual place at nine." in run.stdout
    assert "1 message: text = I will be there. Bring the umbrella!" in run.stdout
    assert "-> message A\n    handshake plytalk1 " in run.stdout
    assert "<- message B\n    handshake plytalk1 " in run.stdout
    assert run.stdout.count("an eavesdropper sees only these bytes") == run.stdout.count("    messages  records ") >= 3
    assert "reads it as it was typed" not in run.stdout


def test_nothing_of_the_user_s_own_is_read_or_made(home, tmp_path) -> None:
    assert chat("demo", environment=home).returncode == 0
    assert not (tmp_path / "home").exists()


def test_plaintext_is_seen_to_be_readable_and_is_warned_of(home) -> None:
    run = chat("demo", "--cipher", "none", "--full", environment=home)
    assert run.returncode == 0
    assert "Anyone on the network path can read every word." in run.stderr
    assert run.stdout.count("an eavesdropper reads it as it was typed") == 3
    assert "    handshake" not in run.stdout


@pytest.mark.parametrize(
    "arguments", [["--profile", "demo02"], ["--profile", "secure-chat"], ["--transport", "unix"], ["--transport", "memory"]]
)
def test_every_stack_can_be_shown(home, arguments) -> None:
    run = chat("demo", *arguments, environment=home)
    assert run.returncode == 0
    assert "-> Meet me at the usual place at nine." in run.stdout


def test_there_is_no_colour_off_a_terminal(home) -> None:
    assert "\x1b" not in chat("demo", environment=home).stdout


def test_it_shows_what_the_inspector_shows(home, tmp_path) -> None:
    def without_times(shown: str) -> list[str]:
        return [line.partition(" ms  ")[2] or line for line in shown.splitlines()]

    trace = tmp_path / "trace"
    demo = without_times(chat("demo", "--full", "--trace", str(trace), environment=home).stdout)
    inspected = without_times(chat("inspect", str(trace), environment=home).stdout)
    frames = [line for line in inspected if not line.startswith(("started", "timer", "ended"))]
    assert demo[-len(frames) :] == frames


def test_what_it_shows_can_be_traced(home, tmp_path) -> None:
    assert chat("demo", "--trace", str(tmp_path / "trace"), environment=home).returncode == 0
    assert '"what":"message B"' in (tmp_path / "trace").read_text()
