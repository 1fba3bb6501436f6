"""The config file: what it may hold, and what is said about what it may not."""

import os
from pathlib import Path

import pytest

from plytalk.cli import config
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.layer import Option

WHOLE = b"""
profile = "secure-chat"
ui = "jsonl"
port = 9000
auth = ["pin", "fixed"]

[options]
rsa-key = "/home/alice/rsa.pem"
"""

WRONG = {
    b"profil = 'demo01'": "unknown key 'profil'. Did you mean 'profile'?",
    b"cypher = 'none'": "unknown key 'cypher'. Did you mean 'cipher'?",
    b"zzz = 1": "unknown key 'zzz'. Known: profile, host, port, relay, options, transport",
    b"[option]\nrsa-key = 'x'": "unknown key 'option'. Did you mean 'options'?",
    b"name = 'bob'": "unknown key 'name'.",
    b"typing = true": " The options of layers, such as 'rsa-key', go under [options].",
    b"port = '9000'": "'port' must be a whole numbe",
    b"port = true": "'port' must be a whole numbe",
    b"port = 70000": "'port' must be from 0 to 65535",
    b"port = -1": "'port' must be from 0 to 65535",
    b"cipher = ['none']": "'cipher' must be a string",
    b"auth = 'pin'": "'auth' must be a list of names",
    b"auth = [1]": "'auth' must be a list of names",
    b"options = 'x'": "'options' must be a table",
    b"ciphe": "is not TOML",
    b"cipher = 'a'\ncipher = 'b'": "is not TOML",
    b"\xff": "is not TOML",
    b"a = " + b"[" * 5000: "is not TOML",
}


def test_a_whole_file():
    assert config.parse(WHOLE, "config.toml") == {
        "profile": "secure-chat",
        "ui": "jsonl",
        "port": 9000,
        "auth": ["pin", "fixed"],
        "options": {"rsa-key": "/home/alice/rsa.pem"},
    }
    assert config.parse(b"", "config.toml") == {}


@pytest.mark.parametrize("text", WRONG, ids=lambda text: text[:20].decode("latin-1"))
def test_what_it_may_not_hold(text):
    with pytest.raises(Usage, match=r"config\.toml") as raised:
        config.parse(text, "config.toml")
    assert WRONG[text] in raised.value.sentence


def test_it_lies_with_the_other_files_of_the_program(monkeypatch, tmp_path):
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    (tmp_path / "config.toml").write_text("port = 9000")
    assert config.read(None) == {"port": 9000}


def test_no_file_is_no_settings_unless_it_was_named(monkeypatch, tmp_path):
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    assert config.read(None) == {}
    with pytest.raises(Usage, match="There is no config file"):
        config.read(tmp_path / "config.toml")


def test_the_default_file_is_read(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "plytalk").mkdir()
    (tmp_path / "plytalk" / "config.toml").write_bytes(b"ui = 'jsonl'")
    assert config.read(None) == {"ui": "jsonl"}


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(Usage, match="is a folder"):
        config.read(tmp_path)
    (tmp_path / "long.toml").write_bytes(b"#" * (config.MAX_BYTES + 1))
    with pytest.raises(Usage, match="has more than 65536 bytes"):
        config.read(tmp_path / "long.toml")
    (tmp_path / "long.toml").write_bytes(b"#" * config.MAX_BYTES)
    assert config.read(tmp_path / "long.toml") == {}


def test_a_file_that_others_can_change_is_refused_with_the_way_out(tmp_path):
    file = tmp_path / "my config.toml"
    file.write_bytes(b"port = 9000")
    for bits in (0o666, 0o620, 0o602):
        file.chmod(bits)
        with pytest.raises(Usage, match="can be changed by other users") as refusal:
            config.read(file)
        assert refusal.value.hint == f"`chmod go-w '{file}'`"
    file.chmod(0o644)
    tmp_path.chmod(0o777)
    with pytest.raises(Usage, match="can be changed by other users") as refusal:
        config.read(file)
    assert refusal.value.hint == f"`chmod go-w {tmp_path}`"
    tmp_path.chmod(0o700)
    assert config.read(file) == {"port": 9000}


def test_it_may_be_a_link_and_not_a_device(tmp_path):
    (tmp_path / "real.toml").write_bytes(b"port = 9000")
    (tmp_path / "link.toml").symlink_to(tmp_path / "real.toml")
    assert config.read(tmp_path / "link.toml") == {"port": 9000}
    os.mkfifo(tmp_path / "pipe.toml")
    for device in ("/dev/zero", str(tmp_path / "pipe.toml")):
        with pytest.raises(Usage, match="is not a plain file"):
            config.read(Path(device))
    assert config.read(Path(os.devnull)) == {}


def test_it_may_come_through_a_pipe():
    reading, writing = os.pipe()
    os.write(writing, b"port = 9000")
    os.close(writing)
    assert config.read(Path(f"/dev/fd/{reading}")) == {"port": 9000}
    os.close(reading)


def test_a_link_that_leads_nowhere_is_no_missing_file(monkeypatch, tmp_path):
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    (tmp_path / "config.toml").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Usage, match="There is no config file"):
        config.read(None)


def test_a_byte_order_mark_is_removed_and_utf_16_explained(tmp_path):
    file = tmp_path / "config.toml"
    file.write_bytes(b"\xef\xbb\xbfport = 9000\r\n")
    assert config.read(file) == {"port": 9000}
    file.write_bytes("port = 9000".encode("utf-16"))
    with pytest.raises(Usage, match=r"is text in UTF-16") as refusal:
        config.read(file)
    assert refusal.value.hint == "Save it as UTF-8."


@pytest.mark.parametrize(
    ("kind", "good", "bad"), [(str, "x", 1), (Path, "/x", 1), (int, 5, "5"), (int, 5, True), (bool, False, "no"), (bool, True, 1)]
)
def test_the_value_of_a_layers_option_has_its_type(kind, good, bad):
    option = Option("some-option", "For this test.", kind)
    assert config.option(option, good) == good
    assert config.option(option, None) is None
    with pytest.raises(Usage, match="'some-option' must be "):
        config.option(option, bad)


def test_an_empty_value_is_refused_where_the_default_is_another():
    assert config.option(Option("some-option", "For this test.", default=""), "") == ""
    for kind in (str, Path):
        with pytest.raises(Usage, match="'some-option' is empty"):
            config.option(Option("some-option", "For this test.", kind), "")


def test_the_nearest_name():
    assert config.nearest("rsa-kee", ["rsa-key", "peer"]) == "Did you mean 'rsa-key'?"
    assert config.nearest("zzz", iter(["rsa-key", "peer"])) == "Known: rsa-key, peer."
