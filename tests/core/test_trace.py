"""What a trace hears, and that without one nothing is wrapped."""

from plytalk.core.keys import Role, Secrets
from plytalk.core.layers import Cipher
from plytalk.core.memory import memory_stream_pair
from plytalk.core.session import Session
from plytalk.core.testing import RecordingUi, TypedFrames, stack_of
from plytalk.core.testing.parts import Unsealed
from plytalk.core.testing.verdict import idle
from plytalk.core.trace import Event, Tracer


class Reversed(Unsealed):
    """Turns words round, to see them differ."""

    name = "reversed"

    def seal(self, plaintext: bytes) -> bytes:
        return plaintext[::-1]

    open = seal


async def test_every_border_is_heard_of_on_the_way_out_and_in() -> None:
    heard: dict[Role, list[Event]] = {role: [] for role in Role}
    streams = memory_stream_pair()
    sessions = [
        Session(stack_of(Reversed), stream, role, trace=heard[role].append) for stream, role in zip(streams, Role, strict=True)
    ]
    for session in sessions:
        await session.open() if session.role is Role.INITIATOR else None
    await sessions[1].open()
    for events in heard.values():
        events.clear()
    for session in sessions:
        session.begin()
    sessions[0].say("abc")
    await idle()
    sessions[0].exit()
    await idle()
    for events in heard.values():
        assert any(event.layer == "transport" for event in events)
        events[:] = [event for event in events if event.layer != "transport"]
    assert heard[Role.INITIATOR] == [
        Event("messages", "out", "plaintext", b"abc"),
        Event("cipher", "out", "sealed", b"cba"),
        Event("framer", "out", "M", b"M\0\0\0\3cba"),
        Event("messages", "out", "plaintext", b"exit"),
        Event("cipher", "out", "sealed", b"tixe"),
        Event("framer", "out", "M", b"M\0\0\0\4tixe"),
        Event("session", "", "ended", b"You said exit."),
    ]
    assert heard[Role.RESPONDER] == [
        Event("framer", "in", "M", b"cba"),
        Event("cipher", "in", "sealed", b"cba"),
        Event("messages", "in", "plaintext", b"abc"),
        Event("framer", "in", "M", b"tixe"),
        Event("cipher", "in", "sealed", b"tixe"),
        Event("messages", "in", "plaintext", b"exit"),
        Event("session", "", "ended", b"The other side said exit."),
    ]
    for stream in streams:
        stream.close()


async def test_the_handshake_is_heard_of_as_frames() -> None:
    heard: list[Event] = []
    client, server = memory_stream_pair()
    session = Session(stack_of(), client, Role.INITIATOR, trace=heard.append)
    await session.open()
    assert [(event.layer, event.way, event.what) for event in heard] == [
        ("session", "", "started"),
        ("session", "", "timer"),
        ("handshake", "out", "K"),
        ("framer", "out", "K"),
        ("transport", "out", "bytes"),
    ]
    client.close()
    server.close()


def test_other_conversations_are_not_wrapped() -> None:
    framer, cipher = TypedFrames(), Unsealed(Secrets.none(), Role.INITIATOR)
    tracer = Tracer(lambda event: None)
    tracer.wrap_framer(framer)
    tracer.wrap_cipher(cipher)
    assert set(vars(framer)) >= {"encode", "frames"}
    assert set(vars(cipher)) == {"seal", "open"}
    for fresh in (TypedFrames(), Unsealed(Secrets.none(), Role.INITIATOR)):
        assert not {"encode", "frames", "seal", "open"} & set(vars(fresh))
    assert issubclass(Unsealed, Cipher)


async def test_without_a_trace_a_session_wraps_nothing() -> None:
    client, server = memory_stream_pair()
    session = Session(stack_of(ui=RecordingUi), client, Role.INITIATOR)
    await session.open()
    assert "frames" not in vars(session._framer)
    client.close()
    server.close()
