"""`chat attack` between real programs: a man in the middle reads and rewrites on rsa, and cannot against a key that is known."""

import pytest
from programs import ENVIRONMENT, chat, complaint, connect, serve, started

from plytalk.lab.inspect.trace_file import read


@pytest.fixture
def home(tmp_path):
    return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}


def attack(home, target, *options):
    return started("attack", "--listen", "0", "--target", f"127.0.0.1:{target}", "--once", *options, environment=home)


def port_of(attacker) -> int:
    return int(attacker.tells("listening on").partition(",")[0].rpartition(":")[2])


def test_a_man_in_the_middle_reads_and_rewrites_a_conversation_over_rsa(home) -> None:
    rsa = ("--profile", "secure-chat")
    with (
        serve(*rsa, environment=home) as server,
        attack(home, server.port, "--with", "mitm", *rsa) as attacker,
        connect(port_of(attacker), *rsa, environment=home) as client,
    ):
        client.say("the word is canary-7f3a")
        assert server.hear() == "Message Received: the word is rewritten"
        assert "read the client's 'the word is canary-7f3a', and told the server 'the word is rewritten'" in attacker.tells(
            "read"
        )
        client.say("exit")
        assert client.status() == 0


def test_what_the_attacker_saw_and_did_is_traced(home, tmp_path) -> None:
    rsa, path = ("--profile", "secure-chat"), tmp_path / "mitm.trace"
    with (
        serve(*rsa, environment=home) as server,
        attack(home, server.port, "--with", "mitm", *rsa, "--trace", str(path), "--trace-secrets") as attacker,
        connect(port_of(attacker), *rsa, environment=home) as client,
    ):
        client.say("the word is canary-7f3a")
        assert server.hear() == "Message Received: the word is rewritten"
        client.say("exit")
        assert (client.status(), attacker.status()) == (0, 0)
        assert any("Anyone who can read the file can decrypt" in line for line in attacker.told)
    events = read(path)
    said = [(event.group, event.way, event.data) for event in events if event.layer == "messages"]
    assert said[:2] == [("client 0", "in", b"the word is canary-7f3a"), ("server 0", "out", b"the word is rewritten")]
    keys = {event.group: event.data for event in events if event.layer == "keys"}
    assert keys.keys() == {"client 0", "server 0"}
    assert keys["client 0"] != keys["server 0"]
    shown = chat("inspect", str(path)).stdout
    for line in ("client 0  <- session key", "server 0  <- public key", "attacker 0  attack: read the client's 'the word is"):
        assert f" ms  {line}" in shown
    assert shown.splitlines()[-1].endswith("attacker 0  ended: Both ends are gone.")


def test_a_trace_of_an_attack_shows_what_was_passed_on_and_what_was_not(home, tmp_path) -> None:
    rsa, path = ("--profile", "demo02"), tmp_path / "drop.trace"
    with (
        serve(*rsa, environment=home) as server,
        attack(home, server.port, "--with", "drop-first", *rsa, "--trace", str(path)) as attacker,
        connect(port_of(attacker), *rsa, environment=home) as client,
    ):
        for word in ("one", "two", "three"):
            client.say(word)
        assert server.hear() == "[Peer]: three"
        client.say("exit")
        assert (client.status(), attacker.status()) == (0, 0)
    frames = [(event.group, event.way) for event in read(path) if event.layer == "framer"]
    assert (frames.count(("client 0", "in")), frames.count(("server 0", "out"))) == (5, 3)
    assert "keys" not in {event.layer for event in read(path)}


def test_against_a_known_key_it_reads_nothing(home) -> None:
    with serve(environment=home) as server:
        pin = server.tells("--peer").rpartition(" ")[2]
        with (
            attack(home, server.port, "--with", "mitm") as attacker,
            connect(port_of(attacker), "--peer", pin, environment=home) as client,
        ):
            assert client.status() == 5
            assert attacker.status() == 0
            assert not any(" read the " in line for line in attacker.told)
            assert "client: refused" in attacker.told[-2]
            assert "exit code 5" in attacker.told[-2]


def test_the_user_says_what_is_rewritten_and_both_sides_are_deceived_without_a_pin(home) -> None:
    rules = ("--rewrite", "noon=midnight", "--rewrite", "gate=bridge")
    with (
        serve(environment=home) as server,
        attack(home, server.port, "--with", "mitm", *rules) as attacker,
        connect(port_of(attacker), "--accept-new", environment=home) as client,
    ):
        client.say("at noon by the gate")
        assert server.hear_words() == "at midnight by the bridge"
        assert "read the client's 'at noon by the gate', and told the server 'at midnight" in attacker.tells("read")
        server.say("not before noon")
        assert client.hear_words() == "not before midnight"
        client.say("exit")
        assert (client.status(), attacker.status()) == (0, 0)
    assert [line.partition("verdict, ")[2].partition(".")[0] for line in attacker.told[-2:]] == [
        "client: deceived",
        "server: deceived",
    ]


def test_in_a_room_each_side_sees_its_own_words_as_it_said_them(home) -> None:
    with (
        serve("--headless", environment=home) as server,
        attack(home, server.port, "--with", "mitm", "--rewrite", "noon=midnight") as attacker,
        connect(port_of(attacker), "--accept-new", "--ui", "jsonl", environment=home) as client,
    ):
        client.say('{"type":"message","text":"at noon"}')
        assert client.event("message")["text"] == "at noon"
        attacker.tells("told the server 'at midnight'")
        assert "showed the client its own 'at noon'" in attacker.tells("read the server's")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--with", "drop", "--rewrite", "a=b"), "rewrites nothing"),
        (("--with", "mitm", "--rewrite", "noon"), "is not OLD=NEW"),
        (("--with", "mitm", "--rewrite", "=noon"), "is not OLD=NEW"),
    ],
)
def test_a_rewriting_that_cannot_be_is_refused(home, options, why) -> None:
    run = chat("attack", "--listen", "0", "--target", "127.0.0.1:1", *options, environment=home)
    assert run.returncode == 2
    assert why in complaint(run)


def test_a_dropped_message_is_missed_by_nobody_on_rsa(home) -> None:
    rsa = ("--profile", "secure-chat")
    with (
        serve(*rsa, environment=home) as server,
        attack(home, server.port, "--with", "drop-first", *rsa) as attacker,
        connect(port_of(attacker), *rsa, environment=home) as client,
    ):
        for word in ("one", "two", "three"):
            client.say(word)
        assert server.hear() == "Message Received: three"
        client.say("exit")
        assert (server.status(), attacker.status()) == (0, 0)
    assert "server: deceived" in attacker.told[-1]


def test_an_attack_that_does_not_apply_is_refused(home) -> None:
    run = chat("attack", "--listen", "0", "--target", "127.0.0.1:1", "--with", "mitm", "--profile", "demo01", environment=home)
    assert run.returncode == 2
    assert "nothing to attack" in complaint(run)


def test_an_unknown_attack_is_named_with_the_nearest(home) -> None:
    run = chat("attack", "--listen", "0", "--target", "127.0.0.1:1", "--with", "replya", environment=home)
    assert run.returncode == 2
    assert "Did you mean `replay`?" in complaint(run)
