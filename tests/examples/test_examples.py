"""The example plugins as strangers' distributions: installed by pip, found by entry points, used by the command line."""

import contextlib
import os
import re
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import programs
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fresh import PROJECT, Fresh
from terminals import play

EXAMPLES = ("plytalk-auth-pin", "plytalk-cipher-xor", "plytalk-feature-dice")
SECURE_CHAT = ("--profile", "secure-chat")
PIN = (*SECURE_CHAT, "--auth", "pin")


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Fresh:
    """An environment with all of them installed; they are built from copies, since building leaves files behind."""
    folder = tmp_path_factory.mktemp("examples")
    fresh = Fresh(folder)
    copies = [shutil.copytree(PROJECT / "examples" / name, folder / name) for name in EXAMPLES]
    fresh.run("pip", "install", "--quiet", "--no-deps", *copies)
    return fresh


@pytest.fixture
def pins(tmp_path: Path) -> Path:
    return tmp_path / "pins"


def ours(fresh: Fresh) -> dict[str, object]:
    return {"environment": fresh.environment, "command": [str(fresh.bin / "chat")]}


# -- as distributions


@pytest.mark.parametrize("name", EXAMPLES)
def test_its_own_tests_pass(fresh: Fresh, name: str) -> None:
    assert " passed" in fresh.run("pytest", "-q", "-W", "error", "-p", "no:cacheprovider", cwd=PROJECT / "examples" / name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_listed_with_its_distribution_and_nothing_is_wrong(fresh: Fresh, name: str) -> None:
    out = fresh.run("chat", "plugins", "--check")
    _, kind, layer = name.split("-")
    assert any(line.split()[:4] == [kind, layer, name, "1.0"] for line in out.splitlines())
    assert "Nothing is wrong." in out
    assert not any(name in line for line in fresh.run("chat", "plugins", "-p", f"no:{layer}").splitlines())


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_is_ten_to_sixty_readable_lines(name: str) -> None:
    [module] = (PROJECT / "examples" / name).glob("plytalk_*.py")
    assert 10 <= len(module.read_text().splitlines()) <= 60


# -- xor


def test_explain_calls_xor_what_it_is(fresh: Fresh) -> None:
    out = " ".join(fresh.run("chat", "explain", "--cipher", "xor").split())
    assert "The cipher `xor` is a toy" in out
    assert "Anyone on the network path can read every word" in out
    assert "- integrity" in out


def test_a_conversation_in_xor_begins_with_a_warning(fresh: Fresh) -> None:
    with (
        programs.serve("--cipher", "xor", **ours(fresh)) as server,
        programs.connect(server.port, "--cipher", "xor", **ours(fresh)) as client,
    ):
        client.say("hello")
        assert server.hear() == "Message Received: hello"
        server.say("good day")
        assert client.hear() == "Message Received: good day"
        client.end_input()
        assert (client.status(), server.status()) == (0, 0)
    for end in (client, server):
        assert [line for line in end.told if line.startswith("Warning: Anyone on the network path can read every word")]


def test_a_demo_of_xor_does_not_say_that_it_keeps_words_secret(fresh: Fresh) -> None:
    for arguments, says in (([], "Every word, with some thought"), (["--full"], "this stack keeps nothing secret")):
        shown = fresh.run("chat", "demo", "--cipher", "xor", *arguments)
        assert says in shown
        assert "only these bytes" not in shown
        assert "Not a word" not in shown


# -- dice


def test_everybody_in_a_room_sees_the_same_throw(fresh: Fresh, tmp_path: Path) -> None:
    def at(home: str) -> dict[str, object]:
        return ours(fresh) | {"environment": fresh.environment | {"PLYTALK_HOME": str(tmp_path / home)}}

    come = ("--accept-new", "--name")
    with (
        programs.serve("--feature", "dice", **at("server")) as server,
        programs.connect(server.port, *come, "alice", **at("alice")) as alice,
    ):
        alice.tells("Talking to")
        assert server.hear() == "* [alice] is here."
        with programs.connect(server.port, *come, "bob", "--ui", "jsonl", **at("bob")) as bob:
            assert alice.hear() == server.hear() == "* [bob] is here."
            alice.say("/roll 3d20")
            shown = alice.tells("alice rolls")
            assert re.fullmatch(r"alice rolls 3d20: (\d+) \+ (\d+) \+ (\d+) = \d+", shown)
            assert server.hear() == shown  # it has the feature, and so the event itself
            assert [bob.event("open", "you", "joined")["type"] for _ in range(3)] == ["open", "you", "joined"]
            while bob.event("notice")["text"] != shown:
                pass
            alice.say("/roll a lot")
            assert "/roll 2d6" in alice.tells("That is not a throw.")
            alice.say("/help")
            assert "(dice)" in alice.tells("/roll ")
            server.say("/roll")  # the person there is a member like any other
            assert server.hear() == alice.tells("server rolls")


# -- pin, with a server that is ours


def test_off_a_terminal_a_new_server_is_refused_with_a_hint(fresh: Fresh, pins: Path) -> None:
    with (
        programs.serve(*SECURE_CHAT, **ours(fresh)) as server,
        programs.connect(server.port, *PIN, "--pin-file", str(pins), **ours(fresh)) as client,
    ):
        assert "--pin-accept-new" in client.tells("is new here and shows the key SHA256:")
        assert client.status() == 4
    assert not pins.exists()


def test_a_server_that_keeps_its_key_is_known_the_next_time(fresh: Fresh, pins: Path, tmp_path: Path) -> None:
    with programs.serve(*SECURE_CHAT, "--keep", "--rsa-key", str(tmp_path / "key.pem"), **ours(fresh)) as server:
        for more in (["--pin-accept-new"], []):
            with programs.connect(server.port, *PIN, "--pin-file", str(pins), *more, **ours(fresh)) as client:
                client.say("hello")
                client.end_input()
                assert client.status() == 0
            assert server.hear() == "Message Received: hello"
        [line] = pins.read_text().splitlines()
        assert re.fullmatch(rf"127\.0\.0\.1:{server.port} SHA256:[\w+/]{{43}}", line)
        if os.name == "posix":
            assert pins.stat().st_mode & 0o777 == 0o600

        pins.write_text(line[:-10] + "A" * 10 + "\n")  # as if it had been another key
        with programs.connect(server.port, *PIN, "--pin-file", str(pins), "--pin-accept-new", **ours(fresh)) as client:
            assert "somebody is between you and it" in client.tells("shows the key")
            assert client.status() == 5


def test_without_pin_file_the_keys_are_kept_in_the_data_folder(fresh: Fresh, tmp_path: Path) -> None:
    environment = fresh.environment | {"XDG_DATA_HOME": str(tmp_path)}
    with programs.serve(*SECURE_CHAT, **ours(fresh)) as server:
        arguments = ours(fresh) | {"environment": environment}
        with programs.connect(server.port, *PIN, "--pin-accept-new", **arguments) as client:
            client.end_input()
            assert client.status() == 0
    assert (tmp_path / "plytalk" / "pins").read_text().startswith(f"127.0.0.1:{server.port} ")


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_on_a_terminal_the_person_decides(fresh: Fresh, pins: Path, answer: str) -> None:
    then = {
        "yes": ["...", "Type Message: exit", "..."],
        "no": ["chat: The key of 127.0.0.1:1 was not accepted.", "$ echo $?", "4"],
    }
    with programs.serve(*SECURE_CHAT, **ours(fresh)) as server:
        asks = [
            f"$ chat connect 127.0.0.1:{server.port} {' '.join(PIN)} --pin-file {pins}",
            "...",
            f"127.0.0.1:1 is new here and shows the key SHA256:x. Trust it from now on? [yes/no] {answer}",
        ]
        play([(fresh.environment | {"TERM": "xterm"}, [*asks, *then[answer]])], fresh.home)
    assert pins.exists() == (answer == "yes")


def test_a_server_cannot_judge_by_pin_and_says_so_before_it_listens(fresh: Fresh) -> None:
    out = fresh.run("chat", "serve", "--port", "0", *PIN, status=2)
    assert "--auth pin cannot work on the server" in out
    assert "Listening" not in out


def test_a_handshake_that_shows_no_key_is_refused_in_words(fresh: Fresh) -> None:
    out = fresh.run("chat", "connect", "127.0.0.1:1", "--profile", "demo01", "--auth", "pin", status=2)
    assert "The auth `pin` needs peer key" in out


# -- pin, with a server of another kind: a socket and a key


@contextlib.contextmanager
def showing(*keys: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that shows each peer the next key. Gives its port, and what each peer sent until it went or had answered."""
    heard: list[bytes] = []

    def run() -> None:
        for key in keys:
            peer, _ = listener.accept()
            with peer:
                peer.settimeout(180)
                peer.sendall(b"K" + struct.pack(">I", len(key)) + key)
                heard.append(peer.recv(5 + 256, socket.MSG_WAITALL))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(180)
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield listener.getsockname()[1], heard
        finally:
            thread.join()


def public_key() -> bytes:
    key = rsa.generate_private_key(65537, 2048).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def test_a_changed_key_ends_the_connection_before_the_session_key_is_sent(fresh: Fresh, pins: Path) -> None:
    first, second = public_key(), public_key()
    options = [*PIN, "--pin-file", str(pins), "--pin-accept-new"]
    with showing(first, first, second) as (port, heard):
        for status in (8, 8, 5):  # a server that closes without a word may not have let the client in
            with programs.connect(port, *options, **ours(fresh)) as client:
                assert client.status() == status
    assert [len(sent) for sent in heard] == [5 + 256, 5 + 256, 0]
    told = "\n".join(client.told)
    assert f"127.0.0.1:{port} shows the key SHA256:" in told
    assert "as before: somebody is between you and it, or its key was replaced." in told
    assert f"delete the line of 127.0.0.1:{port} from {pins}" in told


def test_who_is_refused_at_first_sight_got_no_session_key_either(fresh: Fresh, pins: Path) -> None:
    with showing(public_key()) as (port, heard), programs.connect(port, *PIN, "--pin-file", str(pins), **ours(fresh)) as client:
        assert client.status() == 4
    assert heard == [b""]
