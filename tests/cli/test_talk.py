"""`chat serve` and `chat connect`: addresses, ports, warnings, and what prevents a conversation."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from loopback import has_ipv6
from peers import demo01, habits, secure_chat
from people import environment
from programs import ENVIRONMENT, chat, complaint, connect, nobody_there, serve, started

from plytalk.api.doors import listening_address, read_door
from plytalk.cli.talk import SERVE_EXAMPLES
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.registry.registry import Registry
from plytalk.plugins.transports.unix import CHOOSE

SECURE_CHAT = ("--profile", "secure-chat")
PLAINTEXT = "Warning: Anyone on the network path can read every word. See `chat explain`."
UNAUTHENTICATED = "Warning: A man in the middle can pose as the other side to each of you, and read and rewrite everything."


# Addresses


def test_an_address_has_a_port_or_not_wherever_one_is_given():
    with nobody_there() as port:
        for address in (f"plytalk://127.0.0.1:{port}", f"[127.0.0.1]:{port}", f" 127.0.0.1:{port}"):
            run = chat("connect", address, *SECURE_CHAT)
            assert complaint(run).startswith(f"Cannot connect to 127.0.0.1:{port}: connection refused. ")


@pytest.mark.parametrize(
    ("host", "listens"),
    [
        ("[::1]:0", "[::1]:"),
        ("[::1]", "[::1]:"),
        ("127.0.0.1:0", "127.0.0.1:"),
        ("tcp://127.0.0.1", "127.0.0.1:"),
        ("localhost.", "127.0.0.1:"),
        ("*", "[::]:"),
    ],
)
def test_a_host_to_listen_on_is_understood_as_it_is_in_an_address(host, listens):
    if ":" in listens[:-1] and not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback; enable it to run this test")
    with serve("--host", host, *SECURE_CHAT) as ours:
        assert f"Listening on {listens}{ours.port} " in ours.told[-1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--host", ""), "the value is empty."),
        (("--host", "fe80::1"), "Write this machine's network interface behind it"),
        (("--host", "fe80::1%no-such"), "This machine has no network interface 'no-such'. Its own are: "),
        (("--host", "http://127.0.0.1"), "plytalk does not speak http."),
        (("--host", "127.0.0.1:7000", "--port", "7001"), "names the port 7000 and --port says 7001."),
        (("--host", "192.0.2.1", "--port", "7001"), "Cannot listen on 192.0.2.1:7001: this machine has no such address."),
        (("--port", "\u0667\u0660"), "is not a port: a port is a number from 1 to 65535"),
        (("--guests", "demo02:0x1"), "'0x1' is not a port"),
        (("--door", "tcp:"), "'tcp:' is not TRANSPORT, TRANSPORT:HOST or TRANSPORT:HOST:PORT."),
        (("--door", "udp:127.0.0.1"), "There is no transport called `udp`."),
        (("--door", "unix"), "needs --host: the path or name to listen at. As a door it is unix:PLACE."),
        (("--door", "tcp:0:99999"), "'99999' is not a port"),
        (("--host", "h" * 100_000), "is too long for an address"),
        (("--port", "7" * 100_000), "is not a port"),
        (("--profile", "p" * 100_000), "ppp...ppp"),
        (("--room", "r" * 100_000), "cannot be the name of a room."),
        (("--no-such-" + "x" * 100_000,), "No such option"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_no_place_to_listen_is_said_in_a_few_words(arguments, said, tmp_path):
    layers = () if {"--room", "--guests", "--profile"} & {*arguments} else SECURE_CHAT
    run = chat("serve", *layers, *arguments, environment={**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path)})
    assert said in complaint(run)
    assert run.returncode in (2, 3)
    assert len(complaint(run)) < 700


def test_the_doors_of_the_examples_are_places_as_they_look():
    """An IPv6 address without brackets takes a port behind it for its own last part."""
    doors = re.findall(r"--door (\S+)", SERVE_EXAMPLES)
    assert doors
    for door in (read_door(Registry(), text) for text in doors):
        place = listening_address(door.transport(), door.where)
        assert door.transport.names_place or place.port, door


def test_two_ports_that_differ_are_an_error():
    run = chat("connect", "127.0.0.1:9000", "--port", "9001", *SECURE_CHAT)
    assert complaint(run) == "127.0.0.1:9000 names the port 9000 and --port says 9001. Give one of them."
    assert run.returncode == 2


def test_a_port_in_the_address_wins_over_the_environment_s():
    with nobody_there() as port:
        run = chat("connect", f"127.0.0.1:{port}", *SECURE_CHAT, environment={**ENVIRONMENT, "PLYTALK_PORT": "9001"})
    assert complaint(run).startswith(f"Cannot connect to 127.0.0.1:{port}: ")


def test_over_ipv6():
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback; enable it to run this test")
    with serve("--host", "::1", *SECURE_CHAT) as ours:
        assert "Listening on [::1]:" in ours.told[-1]
        run = chat("connect", f"[::1]:{ours.port}", *SECURE_CHAT, typed="over IPv6\n")
        assert run.returncode == 0
        assert ours.hear() == "Message Received: over IPv6"


def test_every_network_is_ipv4_too():
    if not has_ipv6():
        pytest.skip("this machine has no IPv6 loopback; enable it to run this test")
    for host in ("127.0.0.1", "::1"):
        with serve("--host", "::", *SECURE_CHAT) as ours:
            run = chat("connect", host, "--port", str(ours.port), *SECURE_CHAT, typed="over either\n")
            assert run.returncode == 0
            assert ours.hear() == "Message Received: over either"
            ours.status()
        assert any(told.startswith("Talking to 127.0.0.1:" if host == "127.0.0.1" else "Talking to [::1]:") for told in ours.told)


def test_the_port_of_whatever_was_chosen_last():
    with nobody_there() as port:
        cases = {
            ("--port", str(port), *SECURE_CHAT): {},
            ("--profile", "demo01"): {"PLYTALK_PORT": str(port)},
        }
        for arguments, environment in cases.items():
            run = chat("connect", "127.0.0.1", *arguments, environment=ENVIRONMENT | environment)
            assert complaint(run).startswith(f"Cannot connect to 127.0.0.1:{port}: connection refused. ")


# Warnings


@pytest.mark.parametrize(
    ("arguments", "environment", "settings", "warning"),
    [
        (("--cipher", "none"), {}, "", PLAINTEXT),
        ((), {"PLYTALK_CIPHER": "none"}, "", PLAINTEXT),
        ((), {"PLYTALK_PROFILE": "demo01"}, "", PLAINTEXT),
        ((), {}, "cipher = 'none'", PLAINTEXT),
        ((), {}, "profile = 'demo01'", PLAINTEXT),
        (("--profile", "demo01"), {}, "", PLAINTEXT),
        (("--profile", "secure-chat"), {"PLYTALK_CIPHER": "none"}, "", PLAINTEXT),
        (("--profile", "demo02"), {}, "", UNAUTHENTICATED),
        (("--profile", "secure-chat"), {}, "", UNAUTHENTICATED),
        (("--handshake", "rsa"), {}, "", UNAUTHENTICATED),
        ((), {"PLYTALK_HANDSHAKE": "rsa"}, "", UNAUTHENTICATED),
        ((), {}, "profile = 'secure-chat'", UNAUTHENTICATED),
    ],
)
def test_a_weak_stack_warns_whatever_chose_it(arguments, environment, settings, warning, tmp_path):
    (tmp_path / "config.toml").write_text(settings)
    environment = ENVIRONMENT | environment | {"PLYTALK_CONFIG": str(tmp_path / "config.toml")}
    with serve(*arguments, environment=environment) as ours:
        run = chat("connect", f"127.0.0.1:{ours.port}", *arguments, environment=environment)
    told = run.stderr.splitlines()
    assert told[0].startswith("Talking to ")  # whom, and then how well
    assert told[1].startswith(warning)
    assert run.stdout == ""


@pytest.mark.parametrize(("profile", "warning"), [("demo01", PLAINTEXT), ("secure-chat", UNAUTHENTICATED)])
def test_the_server_is_warned_too(profile, warning):
    with serve("--profile", profile) as ours:
        assert ours.tells("Warning: ").startswith(warning)


def test_a_strong_handshake_does_not_silence_the_warning_of_plaintext(tmp_path):
    environment = ENVIRONMENT | {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    layers = ("--handshake", "plytalk1", "--framer", "u16", "--cipher", "none", "--messages", "text")
    with serve(*layers, environment=environment) as ours:
        assert ours.tells("Warning: ") == PLAINTEXT


# What prevents a conversation


def test_nobody_listens():
    with nobody_there() as port:
        run = chat("connect", f"127.0.0.1:{port}", *SECURE_CHAT, typed="hello\n")
    assert complaint(run) == (
        f"Cannot connect to 127.0.0.1:{port}: connection refused. Check that the server is running and the port is right."
    )
    assert (run.returncode, run.stdout) == (3, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("wss:127.0.0.1:0", "--door", "tls:127.0.0.1:0", "--tls-cert", "none.pem", "--tls-key", "none.key"), "(none.pem)"),
        (("ws:127.0.0.1:0", "--web", "127.0.0.1:0", "--trusted-proxy", "nonsense"), "'nonsense' is none"),
        (("tcp:127.0.0.1:0", "--relay", "127.0.0.1:1", "--proxy", "http://127.0.0.1:1"), "The proxy cannot be used"),
    ],
    ids=["wss and tls", "ws and web", "tcp and relay"],
)
def test_an_option_that_two_doors_share_reaches_both(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """It was lost: a relay was reached without the proxy, and a forged source believed."""
    assert said in chat("serve", "--door", *words, environment=environment(tmp_path)).stderr


def test_an_unknown_host():
    run = chat("connect", "nowhere.invalid", *SECURE_CHAT)
    assert re.fullmatch(r"(No address is known|No name server answers) for 'nowhere\.invalid'\. .+", complaint(run))
    assert run.returncode == 3


@pytest.mark.parametrize("host", ["no host", "a..b", "x" * 70])
def test_what_is_no_host(host):
    run = chat("connect", host, *SECURE_CHAT)
    assert complaint(run).startswith(f"'{host[:20]}")
    assert run.returncode == 2


def test_the_port_is_in_use():
    with serve(*SECURE_CHAT) as ours:
        run = chat("serve", "--port", str(ours.port), *SECURE_CHAT)
        assert complaint(run).startswith(f"Cannot listen on 127.0.0.1:{ours.port}: ")
        assert complaint(run).endswith("Choose another port, or end the program that uses it.")
        assert run.returncode == 3


def test_a_busy_address_is_refused_without_options_that_were_not_given(tmp_path):
    pytest.importorskip("websockets", reason="the page needs websockets")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = f"127.0.0.1:{taken.getsockname()[1]}"
        for command in (
            ("serve", "--host", "127.0.0.1", "--port", busy.rpartition(":")[2]),
            ("serve", "--port", "0", "--door", f"ws:{busy}"),
            ("serve", "--web", busy),
            ("serve", "--port", "0", "--guests", f"demo01:{busy.rpartition(':')[2]}"),
            ("send", __file__, "--host", busy),
            ("relay", "--listen", busy),
            ("relay", "--listen", "127.0.0.1:0", "--ws", busy),
            ("relay", "--listen", "127.0.0.1:0", "--metrics", busy),
        ):
            run = chat(*command, environment=environment(tmp_path))
            told = run.stderr.splitlines()[-1]
            assert run.returncode == 3, command
            assert busy in told, command
            named = re.findall(r"--[a-z]+", told)
            assert set(named) <= set(command), f"{command} names {named}"


def test_an_address_of_another_machine():
    run = chat("serve", "--host", "192.0.2.1", "--port", "0", *SECURE_CHAT)
    assert complaint(run).endswith("Choose an address of this machine.")
    assert run.returncode == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reserves no ports")
def test_a_port_that_needs_more_rights():
    if os.geteuid() == 0:
        pytest.skip("root may use every port; run this as another user")
    run = chat("serve", "--port", "1", *SECURE_CHAT)
    assert complaint(run).endswith("permission denied. Choose a port from 1024 up with --port.")
    assert run.returncode == 3


@pytest.mark.skipif(sys.platform == "win32", reason="Unix sockets need a Unix system")
class TestUnixSockets:
    def listen(self, place):
        return chat("serve", "--transport", "unix", "--host", str(place), *SECURE_CHAT)

    def test_no_permission(self, tmp_path):
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        if os.access(tmp_path, os.W_OK):
            pytest.skip("root may write everywhere; run this as another user")
        run = self.listen(tmp_path / "chat")
        assert complaint(run) == f"Cannot listen on '{tmp_path / 'chat'}': permission denied. {CHOOSE}"
        assert run.returncode == 3

    def test_no_such_folder(self, tmp_path):
        run = self.listen(tmp_path / "none" / "chat")
        assert f"no such file or directory. {CHOOSE}" in complaint(run)
        assert run.returncode == 3

    def test_something_else_is_there(self, tmp_path):
        (tmp_path / "chat").write_text("precious")
        assert "exists and is not a socket" in complaint(self.listen(tmp_path / "chat"))
        assert (tmp_path / "chat").read_text() == "precious"

    def test_another_server_is_there_and_then_is_not(self, tmp_path):
        place = tmp_path / "chat"
        with started("serve", "--transport", "unix", "--host", str(place), *SECURE_CHAT) as ours:
            ours.tells("Listening on ")
            assert stat.S_IMODE(place.stat().st_mode) == 0o600
            run = self.listen(place)
            assert "Another program listens on" in complaint(run)
            assert run.returncode == 3
            ours.process.kill()
            ours.process.wait()
        with started("serve", "--transport", "unix", "--host", str(place), *SECURE_CHAT) as ours:
            ours.tells("Listening on ")
            run = chat("connect", "--transport", "unix", str(place), *SECURE_CHAT, typed="hello\n")
            assert (run.returncode, ours.hear(), ours.status()) == (0, "Message Received: hello", 0)
        assert not place.exists()

    def test_nobody_is_there(self, tmp_path):
        run = chat("connect", "--transport", "unix", str(tmp_path / "chat"), *SECURE_CHAT)
        assert complaint(run).endswith("Check that the server is running.")
        assert run.returncode == 3


@pytest.mark.parametrize(
    ("text", "mode", "sentence"),
    [
        ("no key at all", 0o600, "holds no RSA private key in PEM without a passphrase. Choose another file for --rsa-key."),
        ("whatever", 0o644, "is a secret that other users can read or change. `chmod 600 "),
        (None, 0, "could not be written: No such file or directory."),
    ],
)
def test_a_key_file_that_cannot_be_used_ends_the_server_before_anybody_comes(text, mode, sentence, tmp_path):
    file = tmp_path / "none" / "rsa.pem" if text is None else tmp_path / "rsa.pem"
    if text is not None:
        file.write_text(text)
        file.chmod(mode)
    run = chat("serve", "--port", "0", "--rsa-key", str(file), *SECURE_CHAT)
    assert sentence in complaint(run)
    assert run.returncode == 2


# What goes where, and for how long


def test_what_is_heard_is_on_standard_output_and_nothing_else(tmp_path):
    with serve(*SECURE_CHAT) as ours:
        with connect(ours.port, *SECURE_CHAT) as theirs:
            theirs.say("hello")
            assert ours.hear() == "Message Received: hello"
            theirs.end_input()
            assert theirs.status() == 0
            assert theirs.process.stdout.read() == b""
        assert ours.status() == 0
        assert ours.process.stdout.read() == b""
        stack = "over typed | rsa | aesgcm | text."
        assert sum(stack in line for line in ours.told) == sum(stack in line for line in theirs.told) == 1


def test_once_is_one_conversation_and_keep_is_one_after_the_other():
    with serve(*SECURE_CHAT) as ours:
        assert chat("connect", f"127.0.0.1:{ours.port}", *SECURE_CHAT).returncode == 0
        assert ours.status() == 0
    with serve("--keep", *SECURE_CHAT) as ours:
        for word in ("one", "two"):
            assert chat("connect", f"127.0.0.1:{ours.port}", *SECURE_CHAT, typed=word).returncode == 0
            assert ours.hear() == f"Message Received: {word}"


def test_lines_typed_behind_an_exit_are_for_the_next_who_comes():
    with serve("--keep", *SECURE_CHAT) as ours:
        ours.process.stdin.write(b"for the first\nexit\nfor the second\nexit\n")
        ours.process.stdin.flush()
        for word in ("for the first", "for the second"):
            with habits.connect(ours.port) as sock:
                key = secure_chat.handshake_client(sock)
                assert [secure_chat.recv_message(sock, key), secure_chat.recv_message(sock, key)] == [word, "exit"]
                assert secure_chat.recv_message(sock, key) is None
            ours.tells("You said exit.")


SERVERS_ALONE = {"plytalk.core.endpoints.server", "plytalk.plugins.rooms.hub", "plytalk.plugins.rooms.room", "plytalk.lab"}
OTHERS_ALONE = {
    *("plytalk.core.contracts.attack", "plytalk.core.contracts.audit", "plytalk.core.contracts.measures"),
    *("plytalk.plugins.features.metrics", "plytalk.plugins.features.log", "tomllib"),
}
"""For the lab, a server's figures and a config file, none of which this client has."""


def test_a_client_loads_nothing_that_only_a_server_or_the_lab_needs(tmp_path):
    program = (
        "import sys; from plytalk.cli.main import main\n"
        "try: main()\n"
        f"finally: print(sorted({SERVERS_ALONE | OTHERS_ALONE!r} & set(sys.modules)), file=sys.stderr)"
    )
    own = {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path)}
    with serve("--keep", "--headless", environment=own) as ours:
        words = [sys.executable, "-c", program, "connect", f"127.0.0.1:{ours.port}", "--accept-new", "--name", "bob"]
        done = subprocess.run(words, env=own, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180)
    assert "You are " in done.stderr
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_line_too_long_to_send_is_kept_back_with_a_word():
    with serve(*SECURE_CHAT) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        ours.say("x" * (2**20 + 1))
        assert "longer than a message may be" in ours.tells("was not sent")
        ours.say("short")
        assert secure_chat.recv_message(sock, key) == "short"


def test_input_that_is_no_text_is_sent_as_far_as_it_is():
    with serve("--profile", "demo01") as ours, habits.connect(ours.port) as sock:
        ours.process.stdin.write(b"caf\xe9\r\n")
        ours.process.stdin.flush()
        assert demo01.recv_message(sock, None) == "caf\N{REPLACEMENT CHARACTER}"


def test_a_file_as_input_and_a_last_line_without_an_end(tmp_path):
    (tmp_path / "words").write_text("one\ntwo")
    with serve(*SECURE_CHAT) as ours:
        run = chat("connect", f"127.0.0.1:{ours.port}", *SECURE_CHAT, typed=(tmp_path / "words").read_text())
        assert [ours.hear(), ours.hear(), ours.hear()] == ["Message Received: one", "Message Received: two", ""]
        assert (run.returncode, ours.status()) == (0, 0)


# By name

ALICE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"  # RFC 8032, section 7.1, test 1
FINGERPRINT = PublicKey.parse(ALICE).fingerprint


@pytest.mark.parametrize(
    ("contacts", "arguments", "status", "sentence"),
    [
        (None, (), 2, "There is no contact 'alice' in"),
        (f"bob - {ALICE}", (), 2, "There is no contact 'alice' in"),
        (f"alice - {ALICE}", (), 2, f"chat connect HOST --peer {FINGERPRINT}"),
        (f"alice 127.0.0.1 {ALICE}", ("--peer", "SHA256:" + "A" * 43), 2, "--peer names a different key than the stored one"),
        (f"alice 127.0.0.1:9000 {ALICE}", ("--port", "9001"), 2, "names the port 9000 and --port says 9001"),
        (f"alice 127.0.0.1 {ALICE}", ("--profile", "demo01"), 2, "The auth `peer` needs peer key"),
        (f"alice 127.0.0.1 {ALICE}", ("-p", "no:peer"), 2, "The auth `peer` is blocked"),
        (f"alice 127.0.0.1:1 {ALICE}", (), 3, "Cannot connect to 127.0.0.1:1: "),
        ("alice nonsense", (), 1, "Nothing in this file is trusted until line 1 is corrected"),
    ],
)
def test_a_name_that_leads_nowhere(contacts, arguments, status, sentence, tmp_path):
    if contacts is not None:
        (tmp_path / "contacts").write_text(contacts + "\n")
    run = chat("connect", "@Alice", *arguments, environment=ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path)})
    assert run.returncode == status, run.stderr
    assert sentence in run.stderr.splitlines()[-1]


def test_a_name_stands_for_an_address_and_for_one_key_alone(tmp_path):
    """Whatever known_hosts says of the address, and whatever is remembered there."""
    ours, theirs = (ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path / name)} for name in ("alice", "bob"))
    their_key = chat("keys", "new", environment=theirs).stdout.rsplit(" ", 1)[0]
    (tmp_path / "alice").mkdir()
    with serve(environment=theirs) as server:
        for key, status in ((ALICE, 5), (their_key, 0)):
            (tmp_path / "alice" / "contacts").write_text(f"bob 127.0.0.1:{server.port} {key}\n")
            with started("connect", "@bob", environment=ours) as client:
                client.end_input()
                assert client.status() == status, client.told
        assert server.status() == 0
    assert not (tmp_path / "alice" / "known_hosts").exists()


# A room, and a server that is left alone


@pytest.fixture
def comes(tmp_path):
    """`comes(port, name)` is a member with this name at the server, with its own key, after this many events."""
    with ExitStack() as stack:

        def come(port, name, type="you"):
            arguments = ("--accept-new", "--name", name, "--ui", "jsonl")
            client = stack.enter_context(connect(port, *arguments, environment=environment(tmp_path / name)))
            client.event(type)
            return client

        yield come


def say(client, text):
    client.say(json.dumps({"type": "message", "text": text}))


def hears(client, text):
    """Read up to a line with this text; what was said before it."""
    lines = []
    while (line := client.hear()) and f'"text":"{text}"' not in line:
        lines.append(line)
    assert line, lines
    return line


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
class TestLeftAlone:
    def serves(self, tmp_path, *options):
        return serve("--keep", *options, environment=environment(tmp_path / "server"))

    def test_people_meet_where_nobody_sits_and_sigterm_says_goodbye_to_all(self, tmp_path, comes):
        with self.serves(tmp_path, "--headless") as ours:
            ours.end_input()
            alice, bob, carol = [comes(ours.port, name) for name in ("alice", "bob", "carol")]
            say(alice, "hello")
            assert '"sender":{"name":"alice"' in hears(bob, "hello")
            hears(carol, "hello")
            ours.process.send_signal(signal.SIGTERM)
            assert ours.status() == 0
            for client in (alice, bob, carol):
                assert client.status() == 0
                assert "The server was stopped." in client.process.stdout.read().decode()
            assert ours.process.stdout.read() == b""

    def test_sigterm_ends_a_server_with_somebody_at_it_too(self, tmp_path, comes):
        with self.serves(tmp_path) as ours:
            alice = comes(ours.port, "alice", "open")
            say(alice, "hello")
            assert ours.hear_words() == "hello"
            ours.process.send_signal(signal.SIGTERM)
            assert (ours.status(), alice.status()) == (0, 0)

    def test_sigterm_waits_for_no_member_that_stands_still(self, tmp_path, comes):
        with self.serves(tmp_path, "--headless") as ours:
            alice, bob = comes(ours.port, "alice"), comes(ours.port, "bob")
            say(alice, "hello")
            hears(bob, "hello")
            bob.process.send_signal(signal.SIGSTOP)
            ours.process.send_signal(signal.SIGTERM)
            assert (ours.status(), alice.status()) == (0, 0)

    def test_sigterm_before_anybody_came(self, tmp_path):
        with self.serves(tmp_path, "--headless") as ours:
            ours.process.send_signal(signal.SIGTERM)
            assert ours.status() == 0

    def test_sighup_reads_anew_and_drops_nobody(self, tmp_path, comes):
        with self.serves(tmp_path, "--headless") as ours:
            alice, bob = comes(ours.port, "alice"), comes(ours.port, "bob")
            say(alice, "hello")
            hears(bob, "hello")
            ours.process.send_signal(signal.SIGHUP)
            ours.tells("Reloaded operators, bans and mutes from")
            register = tmp_path / "server" / "rooms"
            register.write_text("damaged\n")
            register.chmod(0o600)
            ours.process.send_signal(signal.SIGHUP)
            ours.tells("Nothing was changed.")
            say(bob, "still here")
            hears(alice, "still here")
            ours.process.send_signal(signal.SIGTERM)
            assert ours.status() == 0

    def test_guests_of_an_existing_chat_come_into_the_room(self, tmp_path, comes):
        with self.serves(tmp_path, "--guests", "demo01:0,secure-chat:0") as ours:
            where = next(told for told in ours.told if told.startswith("Listening on"))
            ports = [int(re.search(rf"{name}:(\d+)", where)[1]) for name in ("demo01", "secure-chat")]
            alice = comes(ours.port, "alice", "open")
            say(alice, "ready")
            assert ours.hear_words() == "ready"
            with habits.connect(ports[0]) as plain, habits.connect(ports[1]) as sealed:
                key = secure_chat.handshake_client(sealed)
                for _ in range(2):  # what is said before a guest is in the room does not reach it
                    alice.event("joined")
                demo01.send_message(plain, None, "from afar")
                line = hears(alice, "from afar")
                assert '"marks":["not authenticated","not encrypted"]' in line
                while "[not authenticated, not encrypted]: from afar" not in (shown := ours.hear()):
                    assert shown
                say(alice, "welcome")
                heard = ""  # demo01 has no boundaries: one read may bring several lines
                while not heard.endswith("alice: welcome"):
                    piece = demo01.recv_message(plain, None)
                    assert piece
                    heard += piece
                while (heard := secure_chat.recv_message(sealed, key)) != "alice: welcome":
                    assert heard
            ours.process.send_signal(signal.SIGTERM)
            assert ours.status() == 0

    def test_people_meet_who_came_through_different_doors(self, tmp_path, comes):
        doors = ("--door", f"unix:{tmp_path}/room.sock", "--door", "tcp:127.0.0.1:0")
        with started("serve", "--ui", "jsonl", "--keep", *doors, environment=environment(tmp_path)) as ours:
            first = ours.event("notice")
            while first["code"] != "listening":
                first = ours.event("notice")
            second = ours.event("notice")
            assert first["data"] == {"address": f"{tmp_path}/room.sock", "transport": "unix"}
            assert second["text"].startswith(f"Listening on {second['data']['address']} with tcp | u16 | plytalk1 ")
            pasted = [ours.event("notice")["text"] for _ in doors[::2]]
            assert f"chat connect {tmp_path}/room.sock --transport unix --peer SHA256:" in pasted[0]
            assert f"chat connect {second['data']['address']} --peer SHA256:" in pasted[1]
            bob = comes(int(second["data"]["address"].rpartition(":")[2]), "bob")
            paste = pasted[0].partition("chat ")[2].split()
            with started(*paste, "--ui", "jsonl", environment=environment(tmp_path / "alice")) as alice:
                say(alice, "from the file system")
                hears(bob, "from the file system")
            ours.process.send_signal(signal.SIGTERM)
            assert ours.status() == 0

    def test_a_place_on_the_command_line_is_one_more_door(self, tmp_path):
        doors = ("--port", "0", "--door", f"unix:{tmp_path}/room.sock")
        with self.serves(tmp_path, *doors) as ours:
            assert ours.port
            ours.tells(f"Listening on {tmp_path}/room.sock")
            ours.process.send_signal(signal.SIGTERM)
            assert ours.status() == 0

    def test_no_more_members_than_were_asked_for(self, tmp_path, comes):
        with self.serves(tmp_path, "--headless", "--members", "1") as ours:
            alice = comes(ours.port, "alice")
            run = chat(
                "connect", f"127.0.0.1:{ours.port}", "--accept-new", environment=environment(tmp_path / "bob"), typed="hello\n"
            )
            assert run.returncode != 0
            alice.say(json.dumps({"type": "exit"}))
            assert alice.status() == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--guests", ""), "Invalid value for '--guests': the value is empty."),
        (("--guests", " , "), "--guests names nobody. For example: --guests demo02"),
        (("--guests", "demo01:x"), "'demo01:x' is not PROFILE or PROFILE:PORT."),
        (("--guests", "demo01:65536"), "is not PROFILE or PROFILE:PORT."),
        (("--guests", "demo01:-1"), "is not PROFILE or PROFILE:PORT."),
        (("--guests", "plytalk1:0"), "plytalk1 is not an existing chat"),
        (("--guests", "nowhere:0"), "nowhere"),
        (("--guests", "demo01:0", "-p", "no:rooms"), "--guests needs a room"),
        (("--guests", "demo02:0", "--profile", "demo01"), "--guests needs a room"),
        (("--members", "0"), "--members"),
        (("--rate", "-1"), "--backlog and --rate take numbers from 0 on."),
        (("--operator", "alice"), "is not an operator's key"),
        (("--name", "admin"), "'admin' is not a name for a member."),
        (("--allow", ""), "Invalid value for '--allow': the path is empty. Give one, or leave it out."),
        (("--room", "no room"), "cannot be the name of a room"),
    ],
)
def test_what_a_room_cannot_be_is_said_before_anybody_comes(arguments, sentence, tmp_path):
    run = chat("serve", "--port", "0", *arguments, environment=environment(tmp_path))
    assert sentence in run.stderr
    assert "Traceback" not in run.stderr
    assert run.returncode == 2


@pytest.mark.parametrize("without", ["server", "client", "both"])
def test_two_talk_as_ever_where_either_has_no_rooms(without, tmp_path):
    ours, theirs = (("-p", "no:rooms") if without in (side, "both") else () for side in ("server", "client"))
    with serve(*ours, environment=environment(tmp_path / "server")) as server:
        address = f"127.0.0.1:{server.port}"
        run = chat(
            "connect", address, "--accept-new", *theirs, environment=environment(tmp_path / "bob"), typed="one\n/two\n//three\n"
        )
        assert run.returncode == 0, run.stderr
        assert server.hear_words() == "one"
        if without in ("server", "both"):
            assert [server.hear_words(), server.hear_words()] == ["/two", "//three"]
        else:
            assert server.hear_words() == "/three"
        assert server.hear_words() == ""
        assert server.status() == 0


def test_an_address_kept_for_somebody_is_read_like_any_other(tmp_path):
    key = f"{PublicKey.of('ssh-ed25519', bytes(32))}"
    (tmp_path / "contacts").write_text(f"alice host:70000 {key}\nbob - {key}\n")
    run = chat("connect", "@alice", environment=environment(tmp_path))
    assert complaint(run) == (
        "The address kept for @alice cannot be used. 'host:70000' is not HOST or HOST:PORT. "
        "'70000' is not a port: a port is a number from 1 to 65535. "
        f"Correct it in {tmp_path / 'contacts'}."
    )
    assert run.returncode == 2
