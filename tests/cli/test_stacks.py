"""Options in, a stack out: what follows from what is given, who has the last word, and what is said of what cannot be."""

import json

import click
import pytest
from click.testing import CliRunner

from plytalk.cli.main import chat, said
from plytalk.cli.stacks import Blocked, resolve
from plytalk.core.contracts.errors import ChatError, UnknownLayer
from plytalk.core.registry.registry import Registry

DEMO01 = {"framer": "raw", "handshake": "none", "cipher": "none", "messages": "trimmed"}
DEMO02 = {"framer": "length", "handshake": "rsa", "cipher": "aesgcm", "messages": "trimmed"}
SECURE_CHAT = {"framer": "typed", "handshake": "rsa", "cipher": "aesgcm", "messages": "text"}
DEFAULT = dict(Registry().default_profile.layers)

# What is given, and the stack that follows from it.
FOLLOWS = [
    ({}, DEFAULT),
    ({"ui": "jsonl"}, DEFAULT),
    ({"transport": "unix"}, DEFAULT),
    ({"cipher": "none"}, DEMO01),
    ({"framer": "raw"}, DEMO01),
    ({"handshake": "none"}, DEMO01),
    ({"framer": "length"}, DEMO02),
    ({"framer": "length", "handshake": "rsa", "cipher": "aesgcm"}, DEMO02),
    ({"framer": "typed"}, SECURE_CHAT),
    ({"handshake": "rsa"}, SECURE_CHAT),
    ({"cipher": "aesgcm"}, SECURE_CHAT),
    ({"cipher": "aesgcm", "handshake": "rsa"}, SECURE_CHAT),
    ({"cipher": "chacha20poly1305"}, SECURE_CHAT | {"cipher": "chacha20poly1305"}),
    ({"cipher": "none", "framer": "typed"}, {"framer": "typed", "handshake": "none", "cipher": "none", "messages": "text"}),
    ({"messages": "trimmed"}, DEFAULT | {"messages": "trimmed"}),
]


@pytest.fixture
def explain(tmp_path):
    """`chat explain` with arguments, an environment and a config file: the stack it came to, and the whole answer."""

    def explained(*arguments, settings="", **environment):
        (tmp_path / "plytalk").mkdir(exist_ok=True)
        (tmp_path / "plytalk" / "config.toml").write_text(settings)
        environment = {f"PLYTALK_{name}": value for name, value in environment.items()}
        run = CliRunner(env={"XDG_CONFIG_HOME": str(tmp_path), **environment}).invoke(chat, ["explain", "--json", *arguments])
        if run.exception and not isinstance(run.exception, SystemExit):
            raise run.exception
        assert run.exit_code == 0, run.output
        return {kind: ",".join(names) for kind, names in json.loads(run.stdout)["stack"].items()}

    return explained


def identifying(stack):
    return {kind: stack[kind] for kind in DEMO01}


@pytest.mark.parametrize(("given", "stack"), FOLLOWS, ids=lambda value: " ".join(value.values()) or "nothing")
def test_what_is_not_given_follows_from_what_is(given, stack):
    chosen = resolve(Registry(), {kind: [name] for kind, name in given.items()}, None, {})
    assert {kind: chosen[kind][0].name for kind in DEMO01} == stack
    for kind, name in given.items():
        assert chosen[kind][0].name == name


@pytest.mark.parametrize(("name", "stack"), [("demo01", DEMO01), ("demo02", DEMO02), ("secure-chat", SECURE_CHAT)])
def test_a_profile_whoever_chose_it(explain, name, stack):
    assert identifying(explain("--profile", name)) == stack
    assert identifying(explain(PROFILE=name)) == stack
    assert identifying(explain(settings=f"profile = {name!r}")) == stack


def test_the_flag_has_the_last_word_then_the_environment_the_profile_the_config_file_and_the_default(explain):
    settings = "ui = 'jsonl'\ntransport = 'unix'\nprofile = 'demo01'"
    assert identifying(explain(settings=settings)) == DEMO01
    assert identifying(explain("--profile", "demo02", settings=settings)) == DEMO02
    assert identifying(explain(PROFILE="demo02", settings=settings)) == DEMO02
    assert identifying(explain("--profile", "secure-chat", PROFILE="demo02", settings=settings)) == SECURE_CHAT
    assert explain("--profile", "secure-chat", CIPHER="chacha20poly1305")["cipher"] == "chacha20poly1305"
    assert explain("--cipher", "aesgcm", CIPHER="none")["cipher"] == "aesgcm"
    assert explain("--cipher", "none", settings="profile = 'secure-chat'") == DEMO01 | {"transport": "tcp", "ui": "console"}
    assert explain(settings=settings)["ui"] == "jsonl"
    assert explain("--ui", "console", settings=settings)["ui"] == "console"
    assert explain(UI="console", TRANSPORT="tcp", settings=settings)["transport"] == "tcp"
    assert identifying(explain(CIPHER="")) == DEFAULT


def test_layers_in_the_config_file_beside_its_profile(explain):
    assert explain(settings="profile = 'secure-chat'\ncipher = 'chacha20poly1305'")["cipher"] == "chacha20poly1305"
    assert identifying(explain(settings="framer = 'length'")) == DEMO02
    assert identifying(explain("--cipher", "none", settings="framer = 'length'")) == DEMO01


def test_options_of_layers_come_from_the_config_file_too(explain, tmp_path):
    assert identifying(explain("--profile", "secure-chat", settings="[options]\nrsa-key = 'key.pem'")) == SECURE_CHAT
    with pytest.raises(AssertionError, match=r"rsa-kee.*Did you mean 'rsa-key'"):
        explain("--profile", "secure-chat", settings="[options]\nrsa-kee = 'key.pem'")
    with pytest.raises(AssertionError, match="which none of the chosen layers has"):
        explain("--cipher", "none", settings="[options]\nrsa-key = 'key.pem'")
    with pytest.raises(AssertionError, match="'rsa-key' must be a string"):
        explain("--profile", "secure-chat", settings="[options]\nrsa-key = 5")


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


@pytest.mark.parametrize(
    ("arguments", "feature"),
    [
        ((), "rooms"),
        (("--ui", "jsonl"), "rooms"),
        (("--feature", "rooms"), "rooms"),
        (("--feature", "log"), "log,rooms"),
        (("-p", "no:rooms"), None),
        (("--profile", "demo01"), None),
        (("--profile", "secure-chat", "--feature", "rooms"), "rooms"),
        (("--messages", "text"), None),
        (("--cipher", "aesgcm"), None),
    ],
)
def test_rooms_come_with_messages_that_can_carry_them(explain, arguments, feature):
    assert explain(*arguments).get("feature") == feature
