"""Options in, a stack out: the help, and the errors for options that cannot be combined."""

import click
import pytest
from click.testing import CliRunner

from plytalk.cli.main import chat, said
from plytalk.cli.stacks import Blocked
from plytalk.core.contracts.errors import ChatError, UnknownLayer

WRONG = {
    ("--cipher", "aesgmc"): "There is no cipher called `aesgmc`. Did you mean `aesgcm`? Installed: aesgcm",
    ("--profile", "secure_chat"): "There is no profile called `secure_chat`. Did you mean `secure-chat`?",
    ("--framer", "zzz"): "There is no framer called `zzz`. Installed: length, raw",
    ("--ui", "\x1b[2J"): "There is no ui called `␛[2J`.",
    ("--cipher", "aesgcm", "--handshake", "none"): "The cipher `aesgcm` needs keys, which the handshake `none` cannot give",
    ("--cipher", "aesgcm", "--framer", "raw"): "needs boundaries, which the framer `raw` cannot give",
    ("-p", "no:aesgcm", "--cipher", "aesgcm"): "The cipher `aesgcm` is blocked by -p no:NAME.",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_cannot_be_is_said_in_words(explain, arguments):
    with pytest.raises(ChatError) as raised:
        explain(*arguments)
    assert WRONG[arguments] in raised.value.sentence
    assert raised.value.exit_code == 2


def test_a_wrong_layer_in_the_environment_or_the_config_file_is_an_error_too(explain):
    with pytest.raises(UnknownLayer, match="aesgmc"):
        explain(CIPHER="aesgmc")
    with pytest.raises(UnknownLayer, match="demo3"):
        explain(settings="profile = 'demo3'")


def test_what_blocks_a_plugin_is_of_one_form():
    assert Blocked().convert("no:xor", None, None) == "xor"
    for wrong in ("xor", "no:", ""):
        with pytest.raises(click.BadParameter) as raised:
            Blocked().convert(wrong, None, None)
        assert "is not of the form no:NAME" in said(raised.value)


@pytest.mark.parametrize("command", ["serve", "connect", "explain", "demo"])
def test_help_shows_examples_and_every_layers_options_under_its_name(command):
    run = CliRunner().invoke(chat, [command, "--help"])
    assert run.exit_code == 0
    assert "Examples:" in run.output
    assert f"chat {command}" in run.output
    for kind in ("transport", "framer", "handshake", "cipher", "messages", "auth", "ui"):
        assert f"--{kind}" in run.output
    assert "Options of the handshake noise:" in run.output
    assert "Options of the handshakes plytalk1 and noise:" in run.output
    assert "--remote-key HEX" in run.output


def test_help_survives_a_wrong_layer():
    run = CliRunner().invoke(chat, ["serve", "--cipher", "nonsense", "--help"])
    assert run.exit_code == 0
    assert "Examples:" in run.output


@pytest.mark.parametrize(
    ("command", "shown", "silent"),
    [
        ("serve", ["--operator", "--metrics", "--allow", "--rsa-key", "--name"], ["--reconnect", "--known-hosts"]),
        ("connect", ["--reconnect", "--known-hosts", "--peer", "--name"], ["--operator", "--metrics", "--allow", "--rsa-key"]),
        ("demo", ["--reconnect", "--operator", "--allow", "--known-hosts", "--rsa-key"], []),
    ],
)
def test_help_says_nothing_of_what_is_for_the_other_end_alone(command, shown, silent):
    words = CliRunner().invoke(chat, [command, "--help"]).output.split()
    assert [option for option in (*shown, *silent) if option in words] == shown


@pytest.mark.parametrize(
    ("arguments", "whose"), [(["serve", "--reconnect"], "connect"), (["connect", "127.0.0.1", "--operator", "SHA256:x"], "serve")]
)
def test_an_option_of_the_other_end_is_refused_in_words(arguments, whose):
    with pytest.raises(click.UsageError, match=f"{arguments[-2 if len(arguments) > 2 else -1]} is for `chat {whose}`"):
        CliRunner().invoke(chat, arguments, standalone_mode=False, catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "later"),
    [
        (["serve", "--transport", "unix"], "needs --host"),
        (["connect", "127.0.0.1:1", "--port", "2"], "names the port"),
    ],
)
def test_a_config_file_may_hold_options_of_both_ends(tmp_path, arguments, later):
    (tmp_path / "config.toml").write_text("[options]\nreconnect = true\nbacklog = 5\n")
    run = CliRunner().invoke(chat, [*arguments, "--config", str(tmp_path / "config.toml")])
    assert later in str(run.exception)


# -- the feature that goes with it ----------------------------------------------------------------------------------------
