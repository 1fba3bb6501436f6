"""The `chat` command as a whole: what it answers, where it says so, and how it ends when something is wrong."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from peers import habits, secure_chat
from programs import COMMAND, ENVIRONMENT, chat, complaint, importing, nobody_there, serve, started
from strangers import good, plant
from surroundings import handlers_kept

from plytalk import __version__
from plytalk.cli import main
from plytalk.cli.lab import lab
from plytalk.core.contracts.errors import CannotConnect, Exit
from plytalk.core.registry.registry import Registry

SECURE_CHAT = ("--profile", "secure-chat")


@pytest.fixture(autouse=True)
def handlers_of_the_tests() -> Iterator[None]:
    """`main.main` is called here in the tests' own process, and sets handlers for that of a command."""
    with handlers_kept():
        yield


def test_the_version():
    run = chat("--version")
    assert (run.returncode, run.stdout, run.stderr) == (0, f"plytalk {__version__}\n", "")


def commands(command: click.Command, context: click.Context, path: str) -> Iterator[tuple[str, click.Command]]:
    """A command and all below it, by what one types."""
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below
            yield from commands(below, context, f"{path} {name}")


def test_every_command_has_examples_that_begin_with_it() -> None:
    with click.Context(main.chat) as context:
        every = dict(commands(main.chat, context, "chat"))
    assert len(every) > 25
    for path, command in every.items():
        assert f"\n  {path}" in (command.epilog or ""), path


def test_help_of_subcommands_is_not_cut_off() -> None:
    for group in ("plugins", "keys", "lab"):
        assert "..." not in chat(group, "--help").stdout.partition("Commands:")[2].partition("Examples:")[0]


def test_help_lists_every_command_with_the_line_that_the_command_says_of_itself():
    run = chat("--help")
    assert (run.returncode, run.stderr) == (0, "")
    assert "Examples:" in run.stdout
    with click.Context(main.chat) as context:
        for name, (_, line) in main.COMMANDS.items():
            command = main.chat.get_command(context, name)
            assert command.get_short_help_str(200) == line
            assert f"  {name}" in run.stdout
    assert main.chat.get_command(context, "nonsense") is None


def test_the_help_of_the_lab_lists_every_command_with_the_line_that_the_command_says_of_itself():
    with click.Context(lab) as context:
        said = {name: lab.get_command(context, name).get_short_help_str(200) for name in lab.list_commands(context)}
    assert said == {name: line for name, (_, line) in lab.table.items()}


def test_an_attack_of_the_lab_imports_no_other_command_of_it():
    code = "import sys, plytalk.cli.lab; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    loaded = set(run.stdout.split())
    assert "plytalk.cli.lab" in loaded
    assert loaded & {"plytalk.lab.classroom", "plytalk.lab.fuzz", "plytalk.lab.vectors", "plytalk.testing"} == set()


def test_help_imports_no_command_no_plugin_and_no_cipher():
    code = """
import sys
from plytalk.cli.main import main
sys.argv = ["chat", "--help"]
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    modules = run.stderr.split()
    assert "plytalk.cli.main" in modules
    assert [name for name in modules if name.startswith(("plytalk.plugins", "cryptography", "asyncio", "pluggy"))] == []
    assert [name for name in modules if name.startswith("plytalk.cli.")] == ["plytalk.cli.main"]


@pytest.mark.parametrize("name", Registry().names("transport"))
def test_a_transport_that_is_chosen_imports_no_other_one_and_no_package_of_an_extra(name: str):
    code = """
import sys
from plytalk.core.registry.registry import Registry
Registry().layer("transport", sys.argv[1])
print(*sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, env=ENVIRONMENT, check=True)
    modules = set(run.stdout.split())
    assert len([module for module in modules if module.startswith("plytalk.plugins.transports.")]) == 1
    assert ("plytalk.plugins.relay" in modules) is (name == "relay")
    assert modules & {"websockets", "asyncssh", "zeroconf", "python_socks", "spake2", "prompt_toolkit"} == set()


def test_without_a_command_it_says_what_it_is_and_the_three_most_likely_next_commands():
    run = chat()
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("plytalk is a chat you can take apart: ")
    assert [line.split()[:2] for line in run.stderr.splitlines() if line.startswith("  chat ")] == [
        ["chat", "demo"],
        ["chat", "serve"],
        ["chat", "connect"],
    ]
    assert "`chat --help`" in run.stderr


def test_a_group_without_a_command_shows_its_help_on_standard_error():
    run = chat("keys")
    assert run.returncode == 2
    assert run.stdout == ""
    assert "Commands:" in run.stderr


WRONG = {
    ("srve",): "There is no command 'srve'. Did you mean 'serve'? See `chat --help`.",
    ("nonsense",): "There is no command 'nonsense'. See `chat --help`.",
    ("serve", "--ciper", "none"): "No such option '--ciper'.",
    ("serve", "--rsa-key", "x"): "--rsa-key belongs to the handshake `rsa`, which is not chosen. Add --handshake rsa.",
    ("connect", "h", "--proxy-command", "x", "--proxy", "http://h:1"): "--proxy belongs to the transports",
    ("serve", "--proxy-command", "x"): "--proxy-command is for `chat connect`.",
    ("serve", "--port", "many"): "Invalid value for '--port'",
    ("serve", "--port", "70000"): "Invalid value for '--port'",
    ("connect",): "Missing argument 'HOST[:PORT]",
    ("connect", "127.0.0.1", "too", "many"): "Got unexpected extra arguments",
    ("serve", "--cipher", "aesgmc"): "There is no cipher called `aesgmc`. Did you mean `aesgcm`?",
    ("serve", "--profile", "demo1"): "There is no profile called `demo1`. Did you mean `demo01`?",
    ("serve", "--cipher", "aesgcm", "--handshake", "none"): "The cipher `aesgcm` needs keys, which the handshake `none`",
    ("serve", "-p", "aesgcm"): "Invalid value: 'aesgcm' is not of the form no:NAME.",
    ("serve", "--config", "/no/such/file"): "There is no config file /no/such/file.",
    ("serve", "--transport", "unix", "--cipher", "none"): "The transport `unix` needs --host",
    ("connect", "127.0.0.1:many"): "'127.0.0.1:many' is not HOST or HOST:PORT",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_a_command_that_makes_no_sense_ends_with_one_sentence_and_2(arguments, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["chat", *arguments])
    monkeypatch.setenv("XDG_CONFIG_HOME", ENVIRONMENT["XDG_CONFIG_HOME"])
    with pytest.raises(SystemExit) as raised:
        main.main()
    assert raised.value.code == Exit.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"chat: {WRONG[arguments]}")
    assert said.err.count("\n") == 1


def test_the_same_as_a_program():
    run = chat("serve", "--cipher", "aesgmc")
    assert complaint(run).startswith("There is no cipher called `aesgmc`. Did you mean `aesgcm`?")
    assert (run.returncode, run.stdout) == (2, "")


def ended(monkeypatch, capsys, error, *arguments):
    """What `main` makes of an error inside a command: (status, standard error)."""

    def fails(**_):
        raise error

    monkeypatch.setattr(main.chat, "main", fails)
    monkeypatch.setattr(sys, "argv", ["chat", *arguments])
    monkeypatch.delenv("PLYTALK_DEBUG", raising=False)
    with pytest.raises(SystemExit) as raised:
        main.main()
    return raised.value.code, capsys.readouterr().err


def test_every_error_becomes_a_sentence_and_a_code(monkeypatch, capsys):
    assert ended(monkeypatch, capsys, CannotConnect("There is nothing there.", "Look elsewhere.")) == (
        3,
        "chat: There is nothing there. Look elsewhere.\n",
    )
    assert ended(monkeypatch, capsys, KeyboardInterrupt()) == (130, "chat: Interrupted.\n")
    assert ended(monkeypatch, capsys, click.Abort()) == (130, "chat: Interrupted.\n")
    assert ended(monkeypatch, capsys, BrokenPipeError()) == (1, "")
    status, said = ended(monkeypatch, capsys, RuntimeError("with a secret in it"))
    assert status == 1
    assert said.startswith("chat: Unexpected error: RuntimeError. ")
    assert "secret" not in said


@pytest.mark.parametrize("error", [CannotConnect("There is nothing there."), RuntimeError("a bug")])
def test_only_debug_shows_a_traceback(monkeypatch, capsys, error):
    with pytest.raises(type(error)):
        ended(monkeypatch, capsys, error, "--debug")


def test_warnings_for_programmers_do_not_reach_a_user(tmp_path):
    text = good("mine").replace("        pass", "        __import__('warnings').warn('old')")
    plant(tmp_path, "plytalk-cipher-mine", {"cipher-mine": text})
    run = chat("demo", "--cipher", "mine", "--handshake", "rsa", environment={**ENVIRONMENT, **importing(tmp_path)})
    assert run.returncode == 0
    assert "UserWarning" not in run.stderr


def test_debug_shows_where_a_command_failed():
    with nobody_there() as port:
        run = chat("--debug", "connect", f"127.0.0.1:{port}", *SECURE_CHAT)
    assert "Traceback" in run.stderr
    assert run.returncode == 1


def test_what_click_says_becomes_one_line():
    assert main.said(click.ClickException("Two\nlines")) == "Two lines."
    assert main.said(click.ClickException("Is it?")) == "Is it?"


def test_control_c_while_waiting():
    with serve(*SECURE_CHAT) as ours:
        ours.process.send_signal(signal.SIGINT)
        assert ours.status() == 130
        assert ours.told[-1] == "chat: Interrupted."


def test_control_c_while_the_program_is_loaded(tmp_path: Path):
    (tmp_path / "click.py").write_text("import signal\nsignal.raise_signal(signal.SIGINT)\n")
    run = chat("--help", environment=ENVIRONMENT | importing(tmp_path))
    assert (run.stdout, run.stderr, run.returncode) == ("", "chat: Interrupted.\n", Exit.INTERRUPTED)


LOST = """
import signal
import time
from plytalk.cli import main

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGTERM)

def command(**_):
    Interrupted()
    while True:
        time.sleep(0.01)

main.chat.main = command
main.main()
"""


def test_an_interruption_that_a_destructor_swallows_still_ends_the_program():
    command = [sys.executable, "-c", LOST]
    run = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, timeout=180, check=False)
    assert (run.stderr, run.returncode) == ("chat: Interrupted.\n", Exit.INTERRUPTED)


def test_control_c_in_a_conversation_says_goodbye_first():
    with serve(*SECURE_CHAT) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        ours.tells("Talking to ")
        ours.process.send_signal(signal.SIGINT)
        assert secure_chat.recv_message(sock, key) == "exit"
        sock.close()
        assert ours.status() == 130
        assert ours.told[-1] == "chat: Interrupted."


@pytest.mark.parametrize("ui", ["console", "jsonl"])
def test_when_nobody_reads_what_arrives_the_conversation_ends(ui):
    with serve(*SECURE_CHAT, "--ui", ui) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        if ui == "console":
            ours.tells("Talking to ")
        else:
            while '"type":"open"' not in (line := ours.hear()):
                assert line
        ours.process.stdout.close()
        secure_chat.send_message(sock, key, "is anybody reading?")
        assert secure_chat.recv_message(sock, key) == "exit"
        sock.close()
        assert ours.status() == 1
    assert ours.told[-1] == "chat: Standard output cannot be written: broken pipe."
    assert not any("Traceback" in line or "Error" in line for line in ours.told)


def test_when_nobody_reads_an_answer_it_ends_quietly():
    with started("explain", *SECURE_CHAT) as ours:
        ours.process.stdout.close()
        assert ours.status() in (0, 1)
        assert ours.told == []


def test_a_terminal_that_knows_few_characters_shows_the_others_by_number():
    few = ENVIRONMENT | {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    with serve(*SECURE_CHAT, environment=few) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        secure_chat.send_message(sock, key, "Grüße")
        assert ours.hear() == r"Message Received: Gr\xfc\xdfe"
        secure_chat.send_message(sock, key, "exit")
        assert ours.status() == 0


def test_colour_on_a_terminal_alone_and_never_with_no_color(monkeypatch):
    ours, theirs = pty.openpty()
    reader, writer = os.pipe()
    try:
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        assert main.paint("words", "31", theirs) == "\x1b[31mwords\x1b[0m"
        assert main.paint("words", "31", writer) == "words"
        monkeypatch.setenv("NO_COLOR", "1")
        assert main.paint("words", "31", theirs) == "words"
        monkeypatch.delenv("NO_COLOR")
        monkeypatch.setenv("TERM", "dumb")
        assert main.paint("words", "31", theirs) == "words"
    finally:
        for descriptor in (ours, theirs, reader, writer):
            os.close(descriptor)
    assert main.paint("words", "31", writer) == "words"  # closed: no terminal


def test_both_names_of_the_command_are_there():
    folder = os.path.dirname(COMMAND[0])
    if not os.path.exists(os.path.join(folder, "plytalk")):
        pytest.skip("the project is not installed in this environment: pip install -e .")
    for name in ("chat", "plytalk"):
        run = subprocess.run(
            [os.path.join(folder, name), "--version"], capture_output=True, text=True, env=ENVIRONMENT, check=True
        )
        assert run.stdout == f"plytalk {__version__}\n"


def test_the_group_can_be_used_by_other_programs():
    run = CliRunner().invoke(main.chat, ["--version"])
    assert run.output == f"plytalk {__version__}\n"
