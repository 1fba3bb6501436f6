"""What a shell completes: commands, options, and the name of every layer."""

import shutil
import subprocess
import sys
from pathlib import Path

import programs
import pytest
from click.shell_completion import BashComplete

from plytalk.cli.completion import destination
from plytalk.cli.main import chat
from plytalk.core.registry.registry import Registry
from plytalk.trust import folders
from plytalk.trust.store_errors import StoreError


def completed(*words):
    """What a shell is told for the last of these words."""
    return {item.value for item in BashComplete(chat, {}, "chat", "_CHAT_COMPLETE").get_completions(list(words[:-1]), words[-1])}


def test_commands_and_options():
    assert completed("se") == {"send", "serve"}
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
    assert programs.complaint(run).startswith("Invalid value for '[bash|zsh|fish]': 'tcsh' is not one of")
    assert run.returncode == 2


def in_bash(load):
    """What a bash completes after it has loaded the script in this way."""
    bash = shutil.which("bash")
    command = Path(sys.executable).with_name("chat")
    if not bash or not command.exists():
        pytest.skip("needs bash, and the project installed in this environment: pip install -e .")
    script = f"""
{load}
COMP_WORDS=(chat serve --cipher aes); COMP_CWORD=3
_chat_completion chat
echo "${{COMPREPLY[@]}}"
"""
    environment = programs.ENVIRONMENT | {"PATH": f"{command.parent}:{programs.ENVIRONMENT['PATH']}"}
    run = subprocess.run([bash, "-c", script], capture_output=True, text=True, env=environment, check=False)
    return run.stdout


def test_in_a_real_bash():
    assert in_bash("source <(chat completion bash)") == "aesgcm\n"


PLACES = {
    "bash": ".local/share/bash-completion/completions/chat",
    "zsh": ".local/share/zsh/site-functions/_chat",
    "fish": ".config/fish/completions/chat.fish",
}


NO_FOLDERS = {"XDG_DATA_HOME": "", "XDG_CONFIG_HOME": ""}


def install(home, *arguments, **environment):
    return programs.chat(
        "completion", "--install", *arguments, environment=programs.ENVIRONMENT | {"HOME": str(home), **NO_FOLDERS, **environment}
    )


@pytest.mark.parametrize("shell", PLACES)
def test_install_writes_the_script_says_where_and_changes_nothing_the_second_time(tmp_path, shell):
    written = tmp_path / PLACES[shell]
    first = install(tmp_path, shell)
    assert (first.returncode, first.stderr) == (0, "")
    assert first.stdout.startswith(f"Wrote {written}.\n")
    assert written.read_text() == programs.chat("completion", shell).stdout
    before = written.stat()
    assert install(tmp_path, shell).stdout.startswith(f"{written} is up to date.\n")
    assert (written.stat().st_ino, written.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("shell", "variable"), [("bash", "XDG_DATA_HOME"), ("zsh", "XDG_DATA_HOME"), ("fish", "XDG_CONFIG_HOME")]
)
def test_install_goes_where_the_user_keeps_such_files(tmp_path, shell, variable):
    assert install(tmp_path, shell, **{variable: str(tmp_path / "kept")}).returncode == 0
    assert (tmp_path / "kept" / Path(*Path(PLACES[shell]).parts[-3:])).exists()


def test_without_a_home_folder_it_says_what_to_set(monkeypatch):
    monkeypatch.setattr(folders, "getpwuid", {}.__getitem__)
    for variable in ("HOME", *NO_FOLDERS):
        monkeypatch.setenv(variable, "")
    with pytest.raises(StoreError, match="There is no home folder"):
        destination("bash")


def test_an_older_script_is_replaced_and_that_of_another_program_is_not(tmp_path):
    written = tmp_path / PLACES["fish"]
    written.parent.mkdir(parents=True)
    written.write_text("# an older one, with _CHAT_COMPLETE\n")
    assert install(tmp_path, "fish").stdout.startswith(f"Wrote {written}.\n")
    written.write_text("complete -c chat -a 'dial hang-up'\n")
    run = install(tmp_path, "fish")
    assert run.returncode == 1
    assert programs.complaint(run) == f"{written} completes another program called chat. Remove it first."
    assert written.read_text() == "complete -c chat -a 'dial hang-up'\n"


def test_the_shell_is_that_of_the_user_unless_one_is_named(tmp_path):
    assert (
        programs.chat("completion", environment=programs.ENVIRONMENT | {"SHELL": "/usr/bin/fish"}).stdout
        == programs.chat("completion", "fish").stdout
    )
    assert install(tmp_path, SHELL="/bin/zsh").stdout.startswith(f"Wrote {tmp_path / PLACES['zsh']}.\n")


@pytest.mark.parametrize("shell", ["", "/bin/dash"])
def test_a_shell_without_a_script_is_asked_for(shell):
    run = programs.chat("completion", environment=programs.ENVIRONMENT | {"SHELL": shell})
    assert run.returncode == 2
    assert programs.complaint(run) == "The variable SHELL names no shell that can be completed. Name one: bash, zsh, fish."


def test_the_installed_script_in_a_real_bash(tmp_path):
    install(tmp_path, "bash")
    assert in_bash(f"source {tmp_path / PLACES['bash']}") == "aesgcm\n"
