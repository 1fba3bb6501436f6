"""`--trace FILE`: what passed every layer, in its own file."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import aead as aeads
from programs import ENVIRONMENT, chat, complaint, connect, serve

from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.trace_file import read
from plytalk.plugins.noise.suites import HYBRID


def test_both_ends_of_a_real_conversation_are_recorded(tmp_path) -> None:
    plain = ("--profile", "secure-chat")
    with (
        serve(*plain, "--trace", str(tmp_path / "server")) as server,
        connect(server.port, *plain, "--trace", str(tmp_path / "client")) as client,
    ):
        client.say("over the wire")
        assert server.hear() == "Message Received: over the wire"
        client.say("exit")
        assert (client.status(), server.status()) == (0, 0)
    events = {name: read(tmp_path / name) for name in ("client", "server")}
    assert [event.what for event in events["client"] if event.layer == "handshake"] == ["public key", "session key"]
    sent = b"".join(
        event.data for event in events["client"] if (event.layer, event.way, event.what) == ("transport", "out", "bytes")
    )
    came = b"".join(
        event.data for event in events["server"] if (event.layer, event.way, event.what) == ("transport", "in", "bytes")
    )
    assert sent == came
    assert b"over the wire" not in sent
    assert b"over the wire" in [event.data for event in events["server"] if event.layer == "messages"]
    assert events["client"][0].fields["role"] == "client"


# -- keys ------------------------------------------------------------------------------------------------------------------

RECORDS = {
    "secure-chat": (("--profile", "secure-chat"), "AESGCM"),
    "demo02": (("--profile", "demo02"), "AESGCM"),
    "plytalk1": (("--suite", HYBRID[0]), "AESGCM"),
    "plytalk1, the other cipher": (("--suite", HYBRID[1]), "ChaCha20Poly1305"),
    "noise": (("--handshake", "noise"), "ChaCha20Poly1305"),
}


def recorded(place: Path, *options: str) -> tuple[list[TraceEvent], str]:
    """What a client's trace holds of a conversation in which it said one line, and what it was warned of."""
    environment = {**ENVIRONMENT, "PLYTALK_HOME": str(place / "home")}
    known = () if "--profile" in options else ("--auth", "known-hosts", "--accept-new")
    path = place / "trace"
    tracing = ("--trace", str(path), "--trace-secrets")
    with (
        serve(*options, environment=environment) as server,
        connect(server.port, *options, *known, *tracing, environment=environment) as client,
    ):
        client.say("over the wire")
        assert server.hear_words() == "over the wire"
        client.say("exit")
        assert (client.status(), server.status()) == (0, 0), client.told
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return read(path), "\n".join(client.told)


def decrypted(events: list[TraceEvent], primitive: str) -> bytes:
    """All that the client sent, opened with the keys in the trace and nothing else of ours."""
    keys = {event.what: event.data for event in events if event.layer == "keys"}
    sealed = [event.data for event in events if (event.layer, event.way) == ("cipher", "out")]
    aead = getattr(aeads, primitive)(keys.get("session key") or keys["client key"])
    if "session key" in keys:  # the nonce comes with each message
        return b"".join(aead.decrypt(each[:12], each[12:], None) for each in sealed)
    order = "big" if primitive == "AESGCM" else "little"  # a counter in its last 8 bytes, from 0
    return b"".join(aead.decrypt(bytes(4) + number.to_bytes(8, order), each, None) for number, each in enumerate(sealed))


@pytest.mark.parametrize("stack", RECORDS)
def test_with_the_keys_in_a_trace_anybody_can_decrypt_the_conversation(stack, tmp_path) -> None:
    options, primitive = RECORDS[stack]
    events, told = recorded(tmp_path, *options)
    assert b"over the wire" in decrypted(events, primitive)
    warning = f"The trace {tmp_path / 'trace'} contains this conversation's keys. Anyone who can read the file can decrypt"
    assert warning in told


def test_keys_are_shown_and_no_others_are_asked_for(tmp_path) -> None:
    recorded(tmp_path, "--profile", "secure-chat")
    shown = chat("inspect", str(tmp_path / "trace")).stdout.splitlines()
    [at] = [number for number, line in enumerate(shown) if line.endswith(" ms  session key")]
    key = next(event.data for event in read(tmp_path / "trace") if event.layer == "keys")
    assert key[:16].hex(" ") in shown[at + 3]


def test_keys_without_a_trace_are_refused_in_words() -> None:
    run = chat("connect", "127.0.0.1", "--trace-secrets")
    assert run.returncode == 2
    assert "--trace-secrets needs a trace. Give --trace FILE as well." in complaint(run)


def test_without_the_option_a_trace_holds_no_key(tmp_path) -> None:
    path = tmp_path / "trace"
    with serve("--profile", "secure-chat") as server:
        client = connect(server.port, "--profile", "secure-chat", "--trace", str(path))
        with client as talking:
            talking.say("exit")
            assert (talking.status(), server.status()) == (0, 0)
    assert "keys" not in {event.layer for event in read(path)}
    assert not any("Warning: The keys" in line for line in talking.told)


def test_a_trace_is_its_owner_s_alone_and_replaces_nothing(tmp_path) -> None:
    trace = tmp_path / "trace"
    with serve("--profile", "demo01", "--trace", str(trace)) as server, connect(server.port, "--profile", "demo01") as client:
        client.say("exit")
        server.status()
    assert stat.S_IMODE(trace.stat().st_mode) == 0o600
    before = trace.read_bytes()
    with connect(1, "--trace", str(trace)) as client:
        assert client.status() == 2
        assert "exists already" in client.told[-1]
    assert trace.read_bytes() == before
