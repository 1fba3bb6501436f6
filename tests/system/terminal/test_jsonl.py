"""jsonl: one JSON object a line, for the programs that talk through `chat`."""

import json

import pytest
from peers import habits, secure_chat, start
from programs import connect, serve

JSONL = ("--profile", "secure-chat", "--ui", "jsonl")
STACK = {"transport": "tcp", "framer": "typed", "handshake": "rsa", "cipher": "aesgcm", "messages": "text", "ui": "jsonl"}
SKIPPED = 'Skipped a line of input that is neither {"type": "message", "text": "..."} nor {"type": "exit"}.'


def order(ours, **what):
    ours.say(json.dumps(what))


def event(ours):
    return json.loads(ours.hear())


def test_both_sides_of_a_conversation():
    with serve(*JSONL) as server, connect(server.port, *JSONL) as client:
        opened = event(client)
        assert opened == {"type": "open", "peer": f"127.0.0.1:{server.port}", "stack": STACK}
        assert event(server)["stack"] == STACK
        order(client, type="message", text="Grüße\nin two lines")
        assert event(server) == {"type": "message", "text": "Grüße\nin two lines"}
        order(server, type="message", text="")
        assert event(client) == {"type": "message", "text": ""}
        order(client, type="exit")
        assert event(server) == {"type": "closed", "reason": "The other side said exit."}
        assert event(client) == {"type": "closed", "reason": "You said exit."}
        assert (server.status(), client.status()) == (0, 0)
        assert server.hear() == client.hear() == ""


def test_with_a_peer_that_is_not_ours_and_the_end_of_input():
    with start("secure_chat", "server") as peer, connect(peer.port, *JSONL) as ours:
        assert event(ours)["type"] == "open"
        order(ours, type="message", text="hello")
        assert peer.hear() == "Message Received: hello"
        ours.end_input()
        assert event(ours) == {"type": "closed", "reason": "You said exit."}
        assert (ours.status(), peer.status()) == (0, 0)


@pytest.mark.parametrize(
    "line",
    [
        "hello", "", "[]", "5", '"exit"', "{}", '{"type": "message"}', '{"type": "message", "text": 5}', '{"type": "quit"}',
        '{"type": "message", "text": "x", "to": "y"}', '{"type": "exit", "now": true}', '{"type": ["exit"]}', "[" * 100_000, "{",
    ],
)  # fmt: skip
def test_what_is_no_order_is_skipped_with_a_word_and_never_sent(line, talk):
    ours, sock, key = talk
    ours.say(line)
    order(ours, type="message", text=f"behind {len(line)} {line[:20]}")
    assert secure_chat.recv_message(sock, key) == f"behind {len(line)} {line[:20]}"


@pytest.fixture(scope="module")
def talk():
    """One conversation for all of them: (ours, socket, key)."""
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        yield ours, sock, secure_chat.handshake_client(sock)


def test_the_word_is_said_on_standard_error_three_times_at_most():
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        for _ in range(5):
            ours.say("nonsense")
        order(ours, type="exit")
        assert secure_chat.recv_message(sock, key) == "exit"
        sock.close()
        assert ours.status() == 1  # a program learns from the exit code that a line of it was not done
        assert [line for line in ours.told if line.startswith("Skipped")] == [SKIPPED] * 2 + [
            SKIPPED + " (Further ones like this are not shown.)"
        ]
        assert [event(ours)["type"], event(ours)["type"], ours.hear()] == ["open", "closed", ""]


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
        ours.tells("Talking to ")
        habits.vanish(sock)
        assert ours.status() == 8
        assert event(ours)["type"] == "open"
        closed = event(ours)
        assert closed["type"] == "closed"
        assert closed["reason"].startswith("The connection was cut")
        assert ours.told[-1] == f"chat: {closed['reason']}"


def test_lone_surrogates_are_replaced_with_a_notice_and_come_in_as_what_could_be_read():
    with serve(*JSONL) as ours, habits.connect(ours.port) as sock:
        key = secure_chat.handshake_client(sock)
        ours.say('{"type": "message", "text": "\\ud800"}')
        assert secure_chat.recv_message(sock, key) == "\N{REPLACEMENT CHARACTER}"
        ours.tells("half a surrogate pair in it: each is replaced")
        assert event(ours)["type"] == "open"
        sock.sendall(secure_chat.frame(b"M", secure_chat.seal(key, b"\xed\xa0\x80")))
        assert event(ours)["text"] == "\N{REPLACEMENT CHARACTER}" * 3
