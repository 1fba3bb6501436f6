"""jsonl: one JSON object per line, for the programs that talk through `chat`."""

import json
from datetime import datetime

import pytest
from peers import habits, secure_chat, start
from programs import connect, serve

JSONL = ("--profile", "secure-chat", "--ui", "jsonl")
STACK = {"transport": "tcp", "framer": "typed", "handshake": "rsa", "cipher": "aesgcm", "messages": "text", "ui": "jsonl"}


def order(ours, **what):
    ours.say(json.dumps(what))


def event(ours):
    """The next event that is not about oneself, without what differs each time."""
    told = ours.event("open", "message", "error", "closed", "joined", "left")
    assert datetime.fromisoformat(told.pop("time")).tzinfo
    assert told.pop("id").startswith("local/")
    return told


def said(text, own=False, key=None):
    sender = {"name": None, "key": key, "marks": [] if own or key else ["not authenticated"]}
    return {
        "type": "message", "text": text, "sender": sender, "own": own, "room": None, "replayed": False, "action": False,
        "private": False, "to": None,
    }  # fmt: skip


def closed(reason, by):
    return {"type": "closed", "reason": reason, "by": by, "exit_code": 0, "final": True}


def test_both_sides_of_a_conversation():
    with serve(*JSONL) as server, connect(server.port, *JSONL) as client:
        opened = event(client)
        assert opened == {
            "type": "open", "version": 1, "peer": f"127.0.0.1:{server.port}", "role": "client", "stack": STACK,
            "line": " | ".join(STACK[kind] for kind in ("framer", "handshake", "cipher", "messages")),
            "key": (key := opened["key"]),
        }  # fmt: skip
        assert key.startswith("SHA256:")  # of the server; the client shows none
        assert event(server)["stack"] == STACK
        order(client, type="message", text="Grüße\nin two lines")
        assert event(server) == said("Grüße\nin two lines")
        assert event(client) == said("Grüße\nin two lines", own=True)
        order(server, type="message", text="")
        assert event(client) == said("", key=key)
        order(client, type="exit")
        assert event(server) == said("", own=True)
        assert event(server) == closed("The other side said exit.", "them")
        assert event(client) == closed("You said exit.", "us")
        assert (server.status(), client.status()) == (0, 0)
        assert server.hear() == client.hear() == ""


def test_with_a_peer_that_is_not_ours_and_the_end_of_input():
    with start("secure_chat", "server") as peer, connect(peer.port, *JSONL) as ours:
        assert event(ours)["type"] == "open"
        order(ours, type="message", text="hello")
        assert peer.hear() == "Message Received: hello"
        ours.end_input()
        assert event(ours) == said("hello", own=True)
        assert event(ours) == closed("You said exit.", "us")
        assert (ours.status(), peer.status()) == (0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "hello", "", "[]", "5", '"exit"', "{}", '{"type": "message"}', '{"type": "message", "text": 5}', '{"type": "quit"}',
        '{"type": "message", "text": "x", "to": 7}', '{"type": "exit", "now": true}', '{"type": ["exit"]}', "[" * 100_000, "{",
    ],
)  # fmt: skip
def test_what_is_no_order_is_answered_by_an_error_and_never_sent(line, talk):
    ours, sock, key = talk
    ours.say(line)
    order(ours, type="message", text=f"behind {len(line)} {line[:20]}")
    assert secure_chat.recv_message(sock, key) == f"behind {len(line)} {line[:20]}"


@pytest.fixture(scope="module")
def talk():
    """One conversation for all of them: (ours, socket, key)."""
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        yield ours, sock, secure_chat.handshake_client(sock)


def test_each_line_that_is_no_order_is_answered_and_nothing_stands_on_standard_error():
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        for _ in range(5):
            ours.say("nonsense")
        order(ours, type="exit")
        assert secure_chat.recv_message(sock, key) == "exit"
        sock.close()
        assert ours.status() == 1  # a program learns from the exit code that a line of it was not done
        assert event(ours)["type"] == "open"
        for _ in range(5):
            assert event(ours)["code"] == "bad-input"
        assert event(ours)["type"] == "closed"
        assert ours.hear() == ""
        assert [line for line in ours.told if not line.startswith("Warning: ")] == [
            "chat: Not everything was done: the reasons are shown above."
        ]


def test_a_text_that_ends_the_chat_ends_it():
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        order(ours, type="message", text=" EXIT ")
        assert secure_chat.recv_message(sock, key) == " EXIT "
        assert secure_chat.recv_message(sock, key) is None
        sock.close()
        assert ours.status() == 0


def test_what_is_wrong_is_in_the_event_and_on_standard_error():
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        secure_chat.handshake_client(sock)
        assert event(ours)["type"] == "open"
        habits.vanish(sock)
        assert ours.status() == 8
        over = event(ours)
        assert (over["type"], over["by"], over["exit_code"]) == ("closed", "fault", 8)
        assert over["reason"].startswith("The connection was cut")
        assert ours.told[-1] == f"chat: {over['reason']}"


def test_lone_surrogates_are_refused_and_come_in_as_what_could_be_read():
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        assert event(ours)["type"] == "open"
        ours.say('{"type": "message", "text": "\\ud800"}')
        assert event(ours)["code"] == "bad-input"
        sock.sendall(secure_chat.frame(b"M", secure_chat.seal(key, b"\xed\xa0\x80")))
        assert event(ours)["text"] == "\N{REPLACEMENT CHARACTER}" * 3
