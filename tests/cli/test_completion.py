"""What a shell completes: commands, options, and the name of every layer."""

import shutil
import subprocess
import sys
from pathlib import Path

import programs
import pytest
from click.shell_completion import BashComplete

from plytalk.cli.main import chat
from plytalk.core.registry.registry import Registry


def completed(*words):
    """What a shell is told for the last of these words."""
    return {item.value for item in BashComplete(chat, {}, "chat", "_CHAT_COMPLETE").get_completions(list(words[:-1]), words[-1])}


def test_commands_and_options():
    assert completed("se") == {"serve"}
    assert completed("serve", "--ciph") == {"--cipher"}
    assert {"--profile", "--port", "--keep", "--auth"} <= completed("serve", "--")


@pytest.mark.parametrize("kind", ["transport", "framer", "handshake", "cipher", "messages", "ui", "auth", "profile"])
def test_the_name_of_every_layer(kind):
    names = Registry().names(kind)
    assert completed("connect", f"--{kind}", "") == set(names)
    assert completed("explain", f"--{kind}", names[0][:1]) == {name for name in names if name.startswith(names[0][:1])}


def test_options_of_the_layers_chosen():
    assert completed("serve", "--handshake", "rsa", "--rsa") == {"--rsa-key"}
    assert completed("serve", "--cipher", "none", "--rsa") == set()


def test_options_of_the_end_that_it_is():
    assert completed("connect", "--reco") == {"--reconnect"}
    assert completed("serve", "--reco") == set()


def test_the_names_of_those_met_before(tmp_path, monkeypatch):
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    assert completed("connect", "@") == set()
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
    (tmp_path / "contacts").write_text(f"alice 192.0.2.7:7591 {key}\nalbert - {key}\nbob 192.0.2.8:7591 {key}\n")
    assert completed("connect", "@") == {"@alice", "@bob"}
    assert completed("connect", "@a") == {"@alice"}  # nobody knows where albert is
    assert completed("connect", "192") == set()
    (tmp_path / "contacts").write_text("what is this\n")
    assert completed("connect", "@") == set()


def test_a_wrong_layer_before_it_changes_nothing():
    assert completed("serve", "--cipher", "nonsense", "--framer", "ty") == {"typed"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(shell):
    run = programs.chat("completion", shell)
    assert (run.returncode, run.stderr) == (0, "")
    assert "_CHAT_COMPLETE" in run.stdout


def test_another_shell_is_an_error():
    run = programs.chat("completion", "tcsh")
    assert programs.complaint(run).startswith("Invalid value for '{bash|zsh|fish}': 'tcsh' is not one of")
    assert run.returncode == 2


def test_in_a_real_bash():
    bash = shutil.which("bash")
    command = Path(sys.executable).with_name("chat")
    if not bash or not command.exists():
        pytest.skip("needs bash, and the project installed in this environment: pip install -e .")
    script = """
source <(chat completion bash)
COMP_WORDS=(chat serve --cipher aes); COMP_CWORD=3
_chat_completion chat
echo "${COMPREPLY[@]}"
"""
    environment = programs.ENVIRONMENT | {"PATH": f"{command.parent}:{programs.ENVIRONMENT['PATH']}"}
    run = subprocess.run([bash, "-c", script], capture_output=True, text=True, env=environment, check=False)
    assert run.stdout == "aesgcm\n"
