"""Hostile and broken peers of the real commands: one sentence, the right exit code, and the server lives on."""

import contextlib
import json
import os
import socket
import sys
from pathlib import Path

import pytest
from peers import demo02, habits, secure_chat, start
from programs import chat, complaint, connect, serve, started

from plytalk.core.endpoints.notices import AT_ONCE

OPTIONS = {demo02: ("--profile", "demo02"), secure_chat: ("--profile", "secure-chat")}
MODULES = tuple(OPTIONS)
LONG = 200_000


@pytest.fixture(scope="module", params=MODULES, ids=["demo02", "secure_chat"])
def server(request):
    """One server that outlives every bad peer of this file: (ours, module)."""
    with serve("--keep", *OPTIONS[request.param]) as ours:
        yield ours, request.param


def framed(module, kind, payload):
    return module.frame(payload) if module is demo02 else module.frame(kind, payload)


def oversize(module, kind, length=0xFFFFFFFF):
    return (b"" if module is demo02 else kind) + length.to_bytes(4)


def is_well(ours, module):
    """A good peer talks to the same server."""
    with habits.connect(ours.port) as sock:
        key = module.handshake_client(sock)
        module.send_message(sock, key, f"hello from {sock.getsockname()[1]}")
        module.send_message(sock, key, "exit")
        assert habits.silence(sock) == b""
        assert ours.hear_words() == f"hello from {sock.getsockname()[1]}"
        ours.tells("The other side said exit.")


def offered(sock, module):
    """The server's public key, as its peer reads it."""
    encoded = demo02.recv_frame(sock) if module is demo02 else secure_chat.expect(sock, b"K")
    return module.serialization.load_pem_public_key(encoded)


def sealed(sock, module, key):
    return offered(sock, module).encrypt(key, module.OAEP)


NO_KEY = "The client sent no session key that this server can use."
CLOSED = "The other side closed the connection during the handshake."
TOO_LONG = "The other side announced a frame of "

# What a bad client does instead of its part of the handshake, and what the server says of it.
BAD_HANDSHAKES = {
    "oversize": (lambda sock, module: sock.sendall(oversize(module, b"S")), TOO_LONG + "4,294,967,295 bytes"),
    "one byte too long": (lambda sock, module: sock.sendall(oversize(module, b"S", 513)), TOO_LONG + "513 bytes"),
    "oversize, and sent": (lambda sock, module: sock.sendall(oversize(module, b"S", LONG) + bytes(LONG)), TOO_LONG),
    "zero-length": (lambda sock, module: sock.sendall(framed(module, b"S", b"")), NO_KEY),
    "garbage": (lambda sock, module: sock.sendall(framed(module, b"S", os.urandom(256))), NO_KEY),
    "15 bytes": (lambda sock, module: sock.sendall(framed(module, b"S", sealed(sock, module, bytes(15)))), NO_KEY),
    "33 bytes": (lambda sock, module: sock.sendall(framed(module, b"S", sealed(sock, module, bytes(33)))), NO_KEY),
    "no byte": (lambda sock, module: sock.sendall(framed(module, b"S", sealed(sock, module, b""))), NO_KEY),
    "a web browser": (lambda sock, module: sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"), TOO_LONG),
    "leaves": (lambda sock, module: habits.leave(sock), CLOSED),
    "vanishes": (lambda sock, module: habits.vanish(sock), CLOSED),
    "half a frame": (lambda sock, module: (habits.half(sock, framed(module, b"S", bytes(256))), habits.leave(sock)), CLOSED),
    "half a header": (lambda sock, module: (sock.sendall(b"S\0"[:2]), habits.leave(sock)), CLOSED),
}


@pytest.mark.parametrize("habit", BAD_HANDSHAKES)
def test_a_bad_handshake_costs_one_notice_and_nothing_else(server, habit):
    ours, module = server
    does, sentence = BAD_HANDSHAKES[habit]
    with habits.connect(ours.port) as sock:
        place = f"127.0.0.1:{sock.getsockname()[1]}"
        does(sock, module)
        notice = ours.tells(" did not get in: ")
        assert notice.startswith((place, "unknown"))  # a peer that vanishes at once may have no address any more
        assert sentence in notice
        if sock.fileno() != -1:
            with contextlib.suppress(OSError):
                habits.silence(sock)  # ends because the server closes
    is_well(ours, module)


def test_a_frame_of_the_wrong_type_in_the_handshake(server):
    ours, module = server
    if module is demo02:
        pytest.skip("demo02's frames have no type")
    with habits.connect(ours.port) as sock:
        sock.sendall(module.frame(b"\x9b", bytes(256)))
        assert "Expected a handshake frame of type" in ours.tells("did not get in: ")
    is_well(ours, module)


def test_a_length_beyond_the_limit_ends_a_conversation_at_its_header(server):
    ours, module = server
    with habits.connect(ours.port) as sock:
        key = module.handshake_client(sock)
        module.send_message(sock, key, "so far so good")
        sock.sendall(oversize(module, b"M", 2**20 + 29))
        assert ours.hear_words() == "so far so good"
        assert "at most 1,048,604 are accepted here" in ours.tells(TOO_LONG)
        assert habits.silence(sock) == b""
    is_well(ours, module)


def test_the_longest_message_is_taken(server):
    ours, module = server
    with habits.connect(ours.port) as sock:
        key = module.handshake_client(sock)
        module.send_message(sock, key, "x" * 2**20)
        assert ours.hear_words() == "x" * 2**20
        module.send_message(sock, key, "exit")
        ours.tells("The other side said exit.")
    is_well(ours, module)


def test_a_second_good_peer_is_turned_away_while_one_talks(server):
    ours, module = server
    with habits.connect(ours.port) as first, habits.connect(ours.port) as second:
        key = module.handshake_client(first)
        ours.tells(f"Talking to 127.0.0.1:{first.getsockname()[1]}")
        module.handshake_client(second)
        ours.tells("This server talks to one client at a time")
        assert habits.silence(second) == b""
        module.send_message(first, key, "still here")
        assert ours.hear_words() == "still here"
        module.send_message(first, key, "exit")
        ours.tells("The other side said exit.")
    is_well(ours, module)


@pytest.mark.parametrize("module", MODULES, ids=["demo02", "secure_chat"])
def test_a_thousand_announced_gigabytes_cost_no_memory_and_no_notice_each(module):
    with serve("--keep", *OPTIONS[module]) as ours:
        assert_gigabytes_cost_nothing(ours, module)


def assert_gigabytes_cost_nothing(ours, module):
    status = Path(f"/proc/{ours.process.pid}/status")
    if not status.exists():
        pytest.skip("this system shows no /proc/PID/status; Linux does")

    def peak():
        return int(next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")))

    def hostile():
        with habits.connect(ours.port) as sock, contextlib.suppress(ConnectionError):
            sock.sendall(oversize(module, b"S", 2**30) + bytes(1000))
            habits.silence(sock)  # ends because the server closes

    hostile()
    is_well(ours, module)
    before = peak()
    for _ in range(300):
        hostile()
    assert peak() - before < 2048, "KiB"
    is_well(ours, module)
    assert sum("did not get in" in told for told in ours.told) == AT_ONCE


@pytest.mark.parametrize("module", MODULES, ids=["demo02", "secure_chat"])
def test_a_crowd_that_says_nothing_keeps_nobody_out(module):
    with serve("--keep", *OPTIONS[module]) as ours, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(habits.connect(ours.port)) for _ in range(19)]
        for sock in crowd:
            sock.sendall(b"S"[: module is secure_chat] + b"\0\0")
        is_well(ours, module)


def test_only_so_many_from_one_address_may_be_in_the_handshake_at_once():
    with serve("--keep", *OPTIONS[secure_chat]) as ours, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(habits.connect(ours.port)) for _ in range(25)]
        for sock in crowd[:5]:  # the last ones take the places of the first
            with contextlib.suppress(ConnectionError):
                while sock.recv(4096):
                    pass
        for sock in crowd:
            sock.close()
        for _ in range(20):
            ours.tells("did not get in: ")
        is_well(ours, secure_chat)


# The client's side: what a bad server does, and what `chat connect` says of it


def answer(payload):
    return lambda sock: (sock.sendall(secure_chat.frame(b"K", payload)), habits.silence(sock))


BAD_SERVERS = {
    "garbage for a PEM": (answer(habits.NOT_PEM[2]), "The server sent something that is not a public key in PEM."),
    "an empty key": (answer(b""), "The server sent something that is not a public key in PEM."),
    "another kind of key": (answer(habits.ED25519_PEM), "The server sent a public key that is not an RSA key."),
    "1024 bits": (answer(habits.rsa_pem(1024)), "The server's RSA key has 1024 bits"),
    "8192 bits": (answer(habits.rsa_pem(8192)), "The server's RSA key has 8192 bits"),
    "exponent 3": (answer(habits.rsa_pem(exponent=3)), "The server's RSA key has an unusual public exponent"),
    "oversize": (lambda sock: (sock.sendall(b"K" + habits.OVERSIZE), habits.silence(sock)), TOO_LONG + "4,294,967,295"),
    "wrong type": (
        lambda sock: (sock.sendall(secure_chat.frame(b"M", b"hi")), habits.silence(sock)),
        "Expected a handshake frame",
    ),
    "plain words": (lambda sock: (sock.sendall(b"hello, who is there?"), habits.silence(sock)), TOO_LONG + "1,701,604,463"),
    "half a frame": (lambda sock: (habits.half(sock, secure_chat.frame(b"K", habits.rsa_pem())), habits.leave(sock)), CLOSED),
}


@pytest.mark.parametrize("habit", BAD_SERVERS)
def test_a_bad_server_gets_no_secret_and_one_sentence_says_why(habit):
    does, sentence = BAD_SERVERS[habit]
    with habits.bad_server(does) as port:
        run = chat("connect", f"127.0.0.1:{port}", "--profile", "secure-chat", typed="secret\n")
    assert sentence in complaint(run)
    assert run.returncode == 4
    assert run.stdout == ""


def test_a_server_that_leaves_without_a_word_may_run_another_stack():
    with habits.bad_server(habits.leave) as port:
        run = chat("connect", f"127.0.0.1:{port}", "--profile", "secure-chat", typed="secret\n")
    assert complaint(run).startswith(
        "The other side closed the connection without a word. It runs another stack than handshake rsa"
    )
    assert run.returncode == 6


def test_a_server_that_connects_and_says_nothing_is_left_after_five_seconds():
    heard = []
    with habits.bad_server(lambda sock: heard.append(habits.silence(sock))) as port:
        run = chat("connect", f"127.0.0.1:{port}", "--profile", "secure-chat", typed="secret\n")
    assert complaint(run).startswith("The other side said nothing for 5 seconds. ")
    assert run.returncode == 6
    assert heard == [b""]


def test_a_client_and_a_server_of_different_chats_part_with_a_sentence():
    with start("demo02", "server") as theirs:
        run = chat("connect", f"127.0.0.1:{theirs.port}", "--profile", "secure-chat")
    assert complaint(run).startswith("The two sides run different stacks: ")
    assert "--profile demo02" in complaint(run)
    assert run.returncode == 6


# The screen: nothing that a peer sends reaches it as more than text

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))]
TRICKS = ["\u202e", "\u2066", "\u200b", "\u2028", "\ufeff", "\u0300" * 40, "\U000e0041", "\ue000"]
SEQUENCES = [
    "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]8;;http://x\x1b\\link", "\x1b]52;c;ZXZpbA==\x07", "\x1bP+q\x1b\\", "\x1b_G\x1b\\",
    "\x9b31m", "\x9d0;t\x9c", "\x1bc", "\r overwritten", "a\bb", "\x1b[6n", "\x1b", "\x0e\x0f", "one\nMessage Received: forged",
]  # fmt: skip


@pytest.mark.parametrize("ui", ["console", "jsonl"])
def test_no_control_character_of_a_message_reaches_the_screen(ui):
    texts = [f"<{text}>" for text in (*CONTROLS, *TRICKS, *SEQUENCES)]
    with serve("--profile", "secure-chat", "--ui", ui) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        for text in texts:
            secure_chat.send_message(sock, key, text)
            sock.sendall(secure_chat.frame(b"M", secure_chat.seal(key, b"\xff" + text.encode())))
        for control in CONTROLS:
            sock.sendall(secure_chat.frame(control.encode("latin-1"), b""))
        secure_chat.send_message(sock, key, "exit")
        shown = ours.process.stdout.read().decode()
        assert ours.status() == 0
    lines = shown.removesuffix("\n").split("\n")
    if ui == "jsonl":
        lines = [line for line in lines if json.loads(line)["type"] not in ("open", "you", "notice", "closed")]
    assert len(lines) == 2 * len(texts)
    assert sum(
        "exit" not in line and (line.startswith("Message Received: ") or '"message"' in line) for line in lines
    ) == 2 * len(texts)
    for told in (*lines, *ours.told):
        assert told.isprintable(), repr(told)
        assert not any(trick in told for trick in TRICKS)


@pytest.mark.skipif(sys.platform == "win32", reason="unix sockets need a Unix system")
def test_the_same_over_a_unix_socket(tmp_path):
    place = str(tmp_path / "chat")
    with started("serve", "--transport", "unix", "--host", place, "--profile", "secure-chat", "--keep") as ours:
        ours.tells("Listening on ")
        for said in ("one", "two"):
            with socket.socket(socket.AF_UNIX) as bad:
                bad.connect(place)
                bad.sendall(b"S" + habits.OVERSIZE)
                ours.tells("did not get in: ")
            run = chat("connect", "--transport", "unix", place, "--profile", "secure-chat", typed=f"{said}\n")
            assert run.returncode == 0
            assert ours.hear_words() == f"{said}"
            ours.tells("said exit.")


def test_a_silent_peer_of_a_plaintext_chat_is_no_fault():
    with serve("--profile", "demo01") as ours, connect(ours.port, "--profile", "demo01") as theirs:
        theirs.say("no hurry")
        assert ours.hear_words() == "no hurry"
