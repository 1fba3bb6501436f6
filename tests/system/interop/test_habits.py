"""Peers with bad habits, in a conversation with the real `chat` command: careless, broken or rude once hello is said."""

import contextlib
import socket

import pytest
from peers import demo01, demo02, habits, secure_chat
from programs import connect, serve

from plytalk.core.contracts.endings import NOT_LET_IN

OPTIONS = {demo01: ("--profile", "demo01"), demo02: ("--profile", "demo02"), secure_chat: ("--profile", "secure-chat")}
ENCRYPTED = (demo02, secure_chat)
ROLES = ("server", "client")
names = pytest.mark.parametrize("module", OPTIONS, ids=lambda module: module.__name__.rpartition(".")[2])
encrypted = pytest.mark.parametrize("module", ENCRYPTED, ids=lambda module: module.__name__.rpartition(".")[2])
roles = pytest.mark.parametrize("role", ROLES)


@contextlib.contextmanager
def talking(module, role):
    """Our program in `role`, and a raw socket on the other side with the handshake done: (ours, socket, key)."""
    with contextlib.ExitStack() as stack:
        if role == "server":
            ours = stack.enter_context(serve(*OPTIONS[module]))
            sock = stack.enter_context(habits.connect(ours.port))
            key = module.handshake_client(sock)
        else:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            ours = stack.enter_context(connect(listener.getsockname()[1], *OPTIONS[module]))
            listener.settimeout(180)
            sock = stack.enter_context(listener.accept()[0])
            sock.settimeout(180)
            key = module.handshake_server(sock)
        ours.tells("Talking to ")
        yield ours, sock, key


def message(module, key, text):
    """One message as it goes over the wire; `text` may be bytes that are none."""
    plaintext = text if isinstance(text, bytes) else text.encode()
    if module is demo01:
        return plaintext
    sealed = module.seal(key, plaintext)
    return module.frame(sealed) if module is demo02 else module.frame(b"M", sealed)


@encrypted
@roles
def test_however_the_bytes_are_cut(module, role):
    header = 4 if module is demo02 else 5
    with talking(module, role) as (ours, sock, key):
        one = message(module, key, "header and payload apart")
        habits.apart(sock, one[:header], one[header:])
        assert ours.hear_words() == "header and payload apart"
        habits.together(sock, message(module, key, "two"), message(module, key, "at once"))
        assert [ours.hear_words(), ours.hear_words()] == ["two", "at once"]
        habits.dripping(sock, message(module, key, "byte by byte: é"))
        assert ours.hear_words() == "byte by byte: é"
        one, two = message(module, key, "one and a half"), message(module, key, "the other half")
        habits.apart(sock, one + two[: len(two) // 2], two[len(two) // 2 :])
        assert [ours.hear_words(), ours.hear_words()] == ["one and a half", "the other half"]


@roles
def test_without_borders_a_character_cut_in_two_is_put_together(role):
    with talking(demo01, role) as (ours, sock, _):
        habits.apart(sock, *habits.cut_character("a wave \N{WAVING HAND SIGN} back"), pause=0.05)
        heard = ours.hear() + ours.hear()
        assert heard.replace("[Peer]: ", "") == "a wave \N{WAVING HAND SIGN} back"


def test_without_borders_two_messages_in_one_read_are_one_line():
    with talking(demo01, "server") as (ours, sock, _):
        habits.together(sock, b"one", b"two\nthree")
        assert ours.hear_words() == "onetwo␊three"


@names
def test_what_we_send_is_one_write_and_ends_with_no_newline(module):
    with talking(module, "server") as (ours, sock, key):
        ours.say("short")
        assert module.recv_message(sock, key) == "short"  # demo02 asks once for the header of 4 bytes
        ours.say("long " * 500)
        heard = ""
        while len(heard) < len("long " * 500) - 1:
            heard += module.recv_message(sock, key)
        assert heard == ("long " * 500 if module is secure_chat else ("long " * 500).strip())


@encrypted
@roles
def test_a_frame_that_cannot_be_read_is_told_and_passed_over(module, role):
    with talking(module, role) as (ours, sock, key):
        sock.sendall(habits.flip(message(module, key, "changed on the way")))
        ours.tells("A message did not decrypt and was dropped")
        for nothing in (b"", bytes(11), bytes(27)):  # no nonce, half a nonce, half a tag
            sock.sendall(module.frame(nothing) if module is demo02 else module.frame(b"M", nothing))
        ours.tells("A message did not decrypt and was dropped")
        sock.sendall(message(module, key, b"caf\xc3("))
        ours.tells("not UTF-8")
        assert ours.hear_words() == "caf\N{REPLACEMENT CHARACTER}("
        sock.sendall(message(module, key, "sound"))
        assert ours.hear_words() == "sound"
        ours.say("and back")
        assert module.recv_message(sock, key) == "and back"


@roles
def test_a_frame_of_an_unknown_type_is_told_and_passed_over(role):
    with talking(secure_chat, role) as (ours, sock, key):
        habits.together(
            sock, secure_chat.frame(b"X", b"what?"), secure_chat.frame(b"\x1b", b""), message(secure_chat, key, "sound")
        )
        assert ours.hear_words() == "sound"
        assert ours.tells("unexpected type").endswith("'X'.")
        assert ours.tells("unexpected type").endswith("'␛'.")


def test_bytes_that_are_no_text_do_not_end_a_plaintext_chat():
    with talking(demo01, "server") as (ours, sock, _):
        sock.sendall(b"\xff wild")
        assert ours.hear_words() == "\N{REPLACEMENT CHARACTER} wild"
        sock.sendall(b"sound")
        assert ours.hear_words() == "sound"


@names
@roles
def test_a_peer_that_vanishes(module, role):
    with talking(module, role) as (ours, sock, _):
        habits.vanish(sock)
        assert ours.status() == 8
        assert ours.told[-1] == (
            "chat: The connection was cut (connection reset by peer): something the other side sent may be missing. "
            + (NOT_LET_IN if role == "client" else "Connect again and ask what was said last.")
        )


@encrypted
@roles
def test_a_peer_that_leaves_in_the_middle_of_a_frame(module, role):
    with talking(module, role) as (ours, sock, key):
        sock.sendall(message(module, key, "whole"))
        habits.half(sock, message(module, key, "half"))
        habits.leave(sock)
        assert ours.hear_words() == "whole"
        assert ours.status() == 8
        assert ours.told[-1].startswith("chat: The connection ended in the middle of a frame: ")


@encrypted
@roles
def test_a_length_beyond_the_limit_ends_the_conversation(module, role):
    with talking(module, role) as (ours, sock, _):
        sock.sendall((b"" if module is demo02 else b"M") + habits.OVERSIZE)
        assert habits.silence(sock) == b""
        assert ours.status() == 1
        assert ours.told[-1] == (
            "chat: The other side announced a frame of 4,294,967,295 bytes; at most 1,048,604 are accepted here. "
            "Check that both sides run the same stack: `chat explain` names yours."
        )


@names
def test_a_peer_that_closes_without_a_word(module):
    with talking(module, "server") as (ours, sock, key):
        sock.sendall(message(module, key, "last words"))
        habits.leave(sock)
        assert ours.hear_words() == "last words"
        assert ours.status() == 0
        assert ours.told[-1] == "The other side closed the connection without saying exit."


@names
def test_the_end_of_input_says_exit_and_waits_for_the_peer_to_read_it(module):
    with talking(module, "client") as (ours, sock, key):
        ours.say("before")
        assert module.recv_message(sock, key) == "before"
        ours.end_input()
        assert module.recv_message(sock, key) == "exit"
        assert module.recv_message(sock, key) is None
        sock.close()
        assert ours.status() == 0


@names
def test_exit_goes_as_it_was_typed(module):
    with talking(module, "client") as (ours, sock, key):
        ours.say("  Exit ")
        assert module.recv_message(sock, key) == ("  Exit " if module is secure_chat else "Exit")
        sock.close()
        assert ours.status() == 0


def test_words_behind_the_handshake_and_a_goodbye_in_the_same_packet_are_heard():
    with serve(*OPTIONS[secure_chat]) as ours, habits.connect(ours.port) as sock:
        public = secure_chat.serialization.load_pem_public_key(secure_chat.expect(sock, b"K"))
        key = bytes(range(32))
        sealed = secure_chat.frame(b"S", public.encrypt(key, secure_chat.OAEP))
        habits.together(sock, sealed, message(secure_chat, key, "hello"), message(secure_chat, key, "exit"))
        habits.leave(sock)
        assert ours.hear_words() == "hello"
        assert ours.status() == 0
        assert ours.told[-1] == "The other side said exit."


def test_more_than_a_slow_reader_takes_at_once_still_arrives():
    lines = [f"{number:05} " + "x" * 4000 for number in range(1000)]
    with talking(demo02, "client") as (ours, sock, key):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        for line in lines:
            ours.process.stdin.write(line.encode() + b"\n")
        ours.end_input()
        heard = []
        reader = sock.makefile("rb")
        while len(header := reader.read(4)) == 4:
            sealed = reader.read(int.from_bytes(header))
            heard.append(demo02.AESGCM(key).decrypt(sealed[:12], sealed[12:], None).decode())
        reader.close()
        sock.close()
        assert heard == [*lines, "exit"]
        assert ours.status() == 0
