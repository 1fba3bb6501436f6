"""Files that a user names: whatever is there, each option says within a moment whether it can be used."""

import os
import shlex
import socket
from pathlib import Path

import pytest
from certificates import Authority
from people import environment
from programs import COMMAND, chat, started

from plytalk.core.contracts.errors import Usage
from plytalk.trust.named_files import check_named, is_stream, open_named
from plytalk.trust.store_errors import StoreError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs the named pipes of POSIX systems")
SERVE = ("serve", "--host", "127.0.0.1", "--port", "0", "--headless")
NOWHERE = "127.0.0.1:1"
NAMED = {
    "config": ("explain", "--config"),
    "identity": (*SERVE, "--identity"),
    "known hosts": ("keys", "list", "--known-hosts"),
    "history": (*SERVE, "--history"),
    "allow": (*SERVE, "--allow"),
    "psk": (*SERVE, "--psk-file"),
    "log": (*SERVE, "--log-json"),
    "rsa key": (*SERVE, "--handshake", "rsa", "--rsa-key"),
    "relay's holders": ("relay", "--listen", "127.0.0.1:0", "--allow"),
    "key at a relay": (*SERVE, "--relay", NOWHERE, "--relay-key"),
    "ssh host key": (*SERVE, "--door", "ssh:127.0.0.1:0", "--ssh-host-key"),
    "certificate": (*SERVE, "--transport", "tls", "--tls-key", "good.key", "--tls-cert"),
    "its key": (*SERVE, "--transport", "tls", "--tls-cert", "good.pem", "--tls-key"),
    "CA": ("connect", "SOMEWHERE", "--transport", "tls", "--tls-ca"),
    "public key": ("keys", "trust", "host.example"),
    "trace": ("inspect",),
    "trace that goes on": ("inspect", "--live"),
}


@pytest.fixture
def here(tmp_path: Path) -> Path:
    Authority(tmp_path).signs("good")
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir()
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 40)
    (tmp_path / "huge").chmod(0o600)
    return tmp_path


CASES = [(name, what) for name in NAMED for what in ("pipe", "folder", "huge") if (name, what) != ("log", "huge")]
"""Each option, with something that it cannot take as a file. A log is appended to a file of any size."""


@pytest.mark.parametrize(("name", "what"), CASES)
def test_no_option_waits_for_what_is_no_file(here: Path, name: str, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        places = {
            "SOMEWHERE": f"127.0.0.1:{silent.getsockname()[1]}",
            **{file: str(here / file) for file in ("good.pem", "good.key")},
        }
        ran = chat(*(places.get(word, word) for word in NAMED[name]), str(here / what), environment=environment(here / "home"))
    assert ran.returncode in (1, 2)
    assert what in ran.stderr or "trace" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_pipe_that_the_shell_made_is_read(here: Path) -> None:
    files = " ".join(f"--tls-{what} <(cat {here / name})" for what, name in (("cert", "good.pem"), ("key", "good.key")))
    words = f"exec {shlex.join([*COMMAND, *SERVE, '--transport', 'tls'])} {files}"
    with started("-c", words, environment=environment(here / "home"), command=("bash",)) as server:
        server.tells("Listening on 127.0.0.1:")


def test_a_pipe_that_this_process_has_open_ends_where_nobody_writes_any_more() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"all of it")
    os.close(writing)
    path = Path(f"/dev/fd/{reading}")
    assert is_stream(path)
    with open(open_named(path), "rb") as file:
        assert file.read() == b"all of it"
    os.close(reading)


def test_what_is_refused_is_named(here: Path) -> None:
    (here / "file").write_bytes(b"12345")
    with open(open_named(here / "file"), "rb") as file:
        assert file.read() == b"12345"
    check_named(here / "file", 5)
    for what, sentence in (("pipe", "is not a plain file"), ("folder", "is a folder")):
        with pytest.raises(StoreError, match=f"{what} {sentence}"):
            open_named(here / what)
        with pytest.raises(Usage, match=f"{what} {sentence}"):
            check_named(here / what, 5)
    with pytest.raises(Usage, match="file has more than 4 bytes"):
        check_named(here / "file", 4)
    with pytest.raises(FileNotFoundError):
        check_named(here / "none", 4)
