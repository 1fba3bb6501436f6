"""A peer that is there and does nothing any more, as when it is stopped, or something on the way is."""

import signal
from pathlib import Path

import pytest
from programs import ENVIRONMENT, connect, serve

from plytalk.core.contracts.errors import Exit

PING = "3"  # a peer that is only slow, on a busy machine, answers within that


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
@pytest.mark.parametrize("stopped", ["server", "client"])
def test_a_stopped_peer_is_noticed(stopped: str, tmp_path: Path) -> None:
    ours, theirs = (ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path / name)} for name in ("server", "client"))
    with (
        serve("--ping", PING, environment=ours) as server,
        connect(server.port, "--accept-new", "--ping", PING, environment=theirs) as client,
    ):
        client.tells("Talking to")
        client.say("hello")
        assert server.hear_words() == "hello"
        victim, other = (server, client) if stopped == "server" else (client, server)
        victim.process.send_signal(signal.SIGSTOP)
        try:
            assert other.status() == Exit.TRUNCATED
            assert "The connection is dead" in other.told[-1]
        finally:
            victim.process.send_signal(signal.SIGCONT)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_with_reconnect_a_client_comes_back(tmp_path: Path) -> None:
    ours, theirs = (ENVIRONMENT | {"PLYTALK_HOME": str(tmp_path / name)} for name in ("server", "client"))
    with (
        serve("--keep", environment=ours) as server,
        connect(server.port, "--accept-new", "--reconnect", "--ping", PING, environment=theirs) as client,
    ):
        client.tells("Talking to")
        client.say("before")
        assert server.hear_words() == "before"
        server.process.send_signal(signal.SIGSTOP)
        client.tells("trying again")
        client.say("after")
        server.process.send_signal(signal.SIGCONT)
        while "after" not in (line := server.hear()):
            assert line
