"""`--trace FILE`: what passed every layer, in a file of its own."""

import stat

from programs import connect, serve

from plytalk.core.tracefile import read


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
