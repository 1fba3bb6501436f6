"""`chat demo`: a real conversation, and below it what each layer made of the words."""

import pytest
from programs import ENVIRONMENT, chat


@pytest.fixture
def home(tmp_path):
    return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}


def test_it_shows_the_conversation_the_handshake_and_every_layer(home) -> None:
    run = chat("demo", environment=home)
    assert run.returncode == 0
    assert run.stderr == ""
    assert "client  Meet me at the usual place at nine." in run.stdout
    assert "server  I will be there. Bring the umbrella!" in run.stdout
    assert "-> message A\n    handshake plytalk1 " in run.stdout
    assert "<- message B\n    handshake plytalk1 " in run.stdout
    assert run.stdout.count("an eavesdropper sees only these bytes") == run.stdout.count("    messages  records ") >= 3
    assert "reads it as it was typed" not in run.stdout


def test_nothing_of_the_user_s_own_is_read_or_made(home, tmp_path) -> None:
    assert chat("demo", environment=home).returncode == 0
    assert not (tmp_path / "home").exists()


def test_plaintext_is_seen_to_be_readable_and_is_warned_of(home) -> None:
    run = chat("demo", "--cipher", "none", environment=home)
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
    assert "client  exit" in run.stdout


def test_there_is_no_colour_off_a_terminal(home) -> None:
    assert "\x1b" not in chat("demo", environment=home).stdout


def test_it_shows_what_the_inspector_shows(home, tmp_path) -> None:
    def without_times(shown: str) -> list[str]:
        return [line.partition(" ms  ")[2] or line for line in shown.splitlines()]

    trace = tmp_path / "trace"
    demo = without_times(chat("demo", "--trace", str(trace), environment=home).stdout)
    inspected = without_times(chat("inspect", str(trace), environment=home).stdout)
    frames = [line for line in inspected if not line.startswith(("started", "timer", "ended"))]
    assert demo[-len(frames) :] == frames


def test_what_it_shows_can_be_traced(home, tmp_path) -> None:
    assert chat("demo", "--trace", str(tmp_path / "trace"), environment=home).returncode == 0
    assert '"what":"message B"' in (tmp_path / "trace").read_text()
