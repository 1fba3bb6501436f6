"""The peers against each other, their habits, and the transcripts they left: what the interoperation tests depend on."""

import ast
import json
import socket
import struct
import sys
import threading
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from . import CHATS, demo01, demo02, habits, record, secure_chat, start

MODULES = {"demo01": demo01, "demo02": demo02, "secure_chat": secure_chat}
ENCRYPTED = (demo02, secure_chat)
KEY = bytes(range(32))
MARK = {"demo01": "[Peer]: ", "demo02": "[Peer]: ", "secure_chat": "Message Received: "}


@pytest.fixture
def pair():
    """Both ends of one loopback connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener, habits.connect(listener.getsockname()[1]) as client:
        server, _ = listener.accept()
        server.settimeout(180)
        with server:
            yield server, client


def test_they_import_nothing_of_ours():
    for path in Path(__file__).parent.glob("*.py"):
        names = {
            alias.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
        tops = {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)
        assert tops <= {"", "cryptography", "program", "pytest"}, path.name


# As programs


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize("leaver", ["server", "client"])
def test_a_conversation_and_an_exit(chat, leaver):
    with start(chat, "server") as server, start(chat, "client", server.port) as client:
        server.say("Grüße")
        assert client.hear() == MARK[chat] + "Grüße"
        client.say("  你好  ")
        assert server.hear() == MARK[chat] + ("  你好  " if chat == "secure_chat" else "你好")
        (server if leaver == "server" else client).say(" EXIT ")
        assert (server.status(), client.status()) == (0, 0)
        assert server.hear() == client.hear() == ""


@pytest.mark.parametrize("chat", CHATS)
def test_over_ipv6(chat):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6 loopback; enable it to run this test")
    with start(chat, "server", host="::1") as server, start(chat, "client", server.port, host="::1") as client:
        client.say("hello")
        assert server.hear() == MARK[chat] + "hello"


@pytest.mark.parametrize("chat", CHATS)
def test_an_empty_line_is_sent_by_secure_chat_alone(chat):
    with start(chat, "server") as server, start(chat, "client", server.port) as client:
        client.say("")
        client.say("after")
        assert server.hear() == MARK[chat] + ("" if chat == "secure_chat" else "after")


@pytest.mark.parametrize("chat", CHATS)
def test_end_of_input_is_an_exit_said_by_secure_chat_alone(chat):
    module = MODULES[chat]
    with start(chat, "server") as server, habits.connect(server.port) as raw:
        key = module.handshake_client(raw)
        server.end_input()
        assert module.recv_message(raw, key) == ("exit" if chat == "secure_chat" else None)
        assert server.status() == 0


@pytest.mark.parametrize("module", ENCRYPTED)
def test_the_server_says_what_it_cannot_read_and_goes_on(module):
    name = module.__name__.rpartition(".")[2]
    with start(name, "server") as server, habits.connect(server.port) as raw:
        key = module.handshake_client(raw)
        framed = module.frame if module is demo02 else lambda payload: module.frame(b"M", payload)
        raw.sendall(habits.flip(framed(module.seal(key, b"broken"))))
        assert server.complaint().startswith("[Error]: InvalidTag")
        raw.sendall(framed(b""))
        assert server.complaint().startswith("[Error]: ValueError")
        module.send_message(raw, key, "sound")
        assert server.hear() == MARK[name] + "sound"


def test_demo01_stops_receiving_at_bytes_that_are_not_utf8_and_goes_on_sending():
    with start("demo01", "server") as server, habits.connect(server.port) as raw:
        raw.sendall(habits.UNDECODABLE[0])
        assert server.complaint().startswith("[Error]: UnicodeDecodeError")
        server.say("still here")
        assert demo01.recv_message(raw, None) == "still here"


@pytest.mark.parametrize("module", ENCRYPTED)
def test_a_handshake_that_fails_ends_the_program(module):
    with start(module.__name__.rpartition(".")[2], "server") as server, habits.connect(server.port) as raw:
        habits.half(raw, b"\0\0")
        habits.leave(raw)
        assert server.status() == 1


# As libraries


@pytest.mark.parametrize("module", ENCRYPTED)
@pytest.mark.parametrize("size", [15, 16, 24, 32])
def test_session_keys(module, size, pair):
    server, client = pair
    sender = threading.Thread(target=module.handshake_client, args=(client, bytes(size)))
    sender.start()
    if size == 32 or (size != 15 and module is secure_chat):
        assert module.handshake_server(server) == bytes(size)
    else:
        with pytest.raises(ValueError, match="session key"):
            module.handshake_server(server)
    sender.join()


def test_demo02_stumbles_over_a_header_in_pieces(pair):
    server, client = pair
    client.sendall(b"\0\0")
    with pytest.raises(struct.error):
        demo02.recv_message(server, KEY)


def test_secure_chat_takes_a_header_in_pieces_and_passes_over_other_types(pair):
    server, client = pair
    dripped = secure_chat.frame(b"X", b"what?") + secure_chat.frame(b"M", secure_chat.seal(KEY, b"caf\xc3!"))
    habits.dripping(client, dripped)
    assert secure_chat.recv_message(server, KEY) == "caf!"


def test_demo02_decodes_strictly(pair):
    server, client = pair
    for text in habits.UNDECODABLE:
        client.sendall(demo02.frame(demo02.seal(KEY, text)))
        with pytest.raises(UnicodeDecodeError):
            demo02.recv_message(server, KEY)


# Habits


def test_how_bytes_are_sent(pair):
    server, client = pair
    habits.apart(client, demo02.frame(b"abc")[:4], b"abc")
    assert demo02.recv_frame(server) == b"abc"
    habits.together(client, demo02.frame(b"1"), demo02.frame(b"2"))
    assert [demo02.recv_frame(server), demo02.recv_frame(server)] == [b"1", b"2"]
    habits.half(client, demo02.frame(b"12345678"))
    habits.leave(client)
    assert server.recv(100) == b"\0\0\0\x0812"
    assert server.recv(100) == b""


def test_vanishing_resets_the_connection(pair):
    server, client = pair
    habits.vanish(client)
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_what_is_done_to_bytes():
    assert habits.flip(b"\0\0") == b"\0\1"
    assert habits.flip(b"\0\0", 0) == b"\x80\0"
    assert habits.cut_character("aéb") == (b"a\xc3", b"\xa9b")
    with pytest.raises(ValueError, match="no character"):
        habits.cut_character("abc")
    for data in habits.UNDECODABLE:
        with pytest.raises(UnicodeDecodeError):
            data.decode()
    with pytest.raises(InvalidTag):
        AESGCM(KEY).decrypt(bytes(12), habits.flip(AESGCM(KEY).encrypt(bytes(12), b"x", None)), None)


@pytest.mark.parametrize(("bits", "exponent"), [(2048, 65537), (1024, 65537), (2048, 3), (16384, 65537)])
def test_rsa_keys_of_any_size_are_well_formed(bits, exponent):
    public = serialization.load_pem_public_key(habits.rsa_pem(bits, exponent))
    assert (public.key_size, public.public_numbers().e) == (bits, exponent)


def test_what_is_not_an_rsa_key(pair):
    server, client = pair
    for encoded in (*habits.NOT_PEM, habits.ED25519_PEM):
        server.sendall(demo02.frame(encoded))
        with pytest.raises(ValueError, match=r"."):
            demo02.handshake_client(client)


def test_a_bad_server_hears_all_in_silence_and_its_errors_are_ours():
    heard = []
    with habits.bad_server(lambda sock: heard.append(habits.silence(sock))) as port, habits.connect(port) as raw:
        raw.sendall(b"anybody?")
    assert heard == [b"anybody?"]
    with pytest.raises(ZeroDivisionError), habits.bad_server(lambda sock: 1 // 0) as port, habits.connect(port):
        pass


# Transcripts, decoded with `cryptography` alone


def frames(chat: str, data: bytes) -> tuple[str, bytes]:
    """One entry's bytes as (kind, payload), by the description and not by the peers' code."""
    kind, data = (chr(data[0]), data[1:]) if chat == "secure_chat" else ("", data)
    assert int.from_bytes(data[:4]) == len(data) - 4
    return kind, data[4:]


@pytest.mark.parametrize("chat", ["demo02", "secure_chat"])
def test_an_encrypted_transcript_decodes(chat):
    recorded = json.loads((record.TRANSCRIPTS / f"{chat}.json").read_text(encoding="utf-8"))
    secrets = recorded["secrets"]
    entries = [(entry, *frames(chat, bytes.fromhex(entry["bytes"]))) for entry in recorded["transcript"]]
    private = serialization.load_pem_private_key(secrets["rsa_private_key"].encode(), None)
    key = bytes.fromhex(secrets["session_key"])

    (offer, kind, pem), (answer, answer_kind, sealed), *messages = entries
    assert (offer["from"], answer["from"]) == ("server", "client")
    assert (kind, answer_kind) == (("K", "S") if chat == "secure_chat" else ("", ""))
    assert serialization.load_pem_public_key(pem).public_numbers() == private.public_key().public_numbers()
    assert (private.key_size, private.public_key().public_numbers().e) == (2048, 65537)
    assert sealed.hex() == secrets["sealed_session_key"]
    assert private.decrypt(sealed, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)) == key
    assert len(key) == 32
    for entry, kind, payload in messages:
        assert kind == ("M" if chat == "secure_chat" else "")
        assert payload[:12].hex() == entry["nonce"]
        assert AESGCM(key).decrypt(payload[:12], payload[12:], None).decode() == entry["text"]
    assert len({entry["nonce"] for entry, *_ in messages}) == len(messages)
    assert messages[-1][0]["text"] == "exit"


def test_the_plaintext_transcript_decodes():
    recorded = json.loads((record.TRANSCRIPTS / "demo01.json").read_text(encoding="utf-8"))
    for entry in recorded["transcript"]:
        assert bytes.fromhex(entry["bytes"]).decode() == entry["text"] == entry["typed"].strip()
    assert recorded["transcript"][-1]["text"] == "exit"


@pytest.mark.parametrize("chat", CHATS)
def test_recording_again_yields_the_same_conversation(chat):
    def spoken(recorded):
        return [(entry["from"], entry["means"], entry.get("text")) for entry in recorded["transcript"]]

    stored = json.loads((record.TRANSCRIPTS / f"{chat}.json").read_text(encoding="utf-8"))
    again = record.record(chat, MODULES[chat])
    assert spoken(again) == spoken(stored)
    assert "throwaway" in stored["note"]
