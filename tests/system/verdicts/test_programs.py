"""Attacks that begin their own conversations, between real programs."""

import pytest
from programs import ENVIRONMENT, connect, serve, started


@pytest.fixture
def home(tmp_path):
    return {**ENVIRONMENT, "PLYTALK_HOME": str(tmp_path / "home")}


def attack(home, target, *options):
    return started("attack", "--listen", "0", "--target", f"127.0.0.1:{target}", "--once", *options, environment=home)


def talk(home, attacker, *options) -> int:
    port = int(attacker.tells("listening on").partition(",")[0].rpartition(":")[2])
    with connect(port, *options, environment=home) as client:
        client.say("open the gate")
        client.say("exit")
        return client.status()


def test_a_conversation_over_rsa_is_heard_twice(home) -> None:
    rsa = ("--profile", "secure-chat")
    with (
        serve("--keep", *rsa, environment=home) as server,
        attack(home, server.port, "--with", "replay-conversation", *rsa) as attacker,
    ):
        assert talk(home, attacker, *rsa) == 0
        assert attacker.status() == 0
        assert [server.hear(), server.hear()] == ["Message Received: open the gate"] * 2


def test_the_default_refuses_it(home) -> None:
    with (
        serve("--keep", environment=home) as server,
        attack(home, server.port, "--with", "replay-conversation") as attacker,
    ):
        assert talk(home, attacker, "--accept-new") == 0
        assert server.hear_words() == "open the gate"
        assert "did not get in" in server.tells("did not get in")


def test_what_only_the_lab_can_do_is_said(home) -> None:
    rsa = ("--profile", "secure-chat")
    with (
        serve("--keep", *rsa, environment=home) as server,
        attack(home, server.port, "--with", "leak-long-term-keys", *rsa) as attacker,
    ):
        assert talk(home, attacker, *rsa) == 0
        assert attacker.tells("Keys leak only in `chat lab`.")
        assert attacker.status() == 0
