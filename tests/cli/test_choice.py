"""The layers chosen together: what follows from what is given, and who has the last word."""

import pytest

from plytalk.api.choice import resolve
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
    for option in ("rsa-key = 'key.pem'", "proxy = 'http://127.0.0.1:1'"):  # for other stacks
        assert identifying(explain("--cipher", "none", "--transport", "unix", settings=f"[options]\n{option}")) == DEMO01
    with pytest.raises(AssertionError, match="which no layer has"):
        explain("--cipher", "none", settings="[options]\nnone = 'of them'")
    with pytest.raises(AssertionError, match="'rsa-key' must be a string"):
        explain("--profile", "secure-chat", settings="[options]\nrsa-key = 5")


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
