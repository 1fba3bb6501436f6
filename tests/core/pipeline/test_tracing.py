"""What a trace hears, that without one nothing is wrapped, and that each item of a batch passes a traced layer by itself."""

import asyncio
from pathlib import Path

import pytest
from crowd import Crowd

from plytalk.core.contracts import batch_methods as contracts
from plytalk.core.contracts.batch_methods import BATCH_FORMS
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.pipeline.traced_layers import Traced
from plytalk.core.pipeline.tracing import TraceEvent, Tracer
from plytalk.lab.inspect.frames import inspect_frames
from plytalk.plugins.ciphers.aesgcm import AesGcm
from plytalk.plugins.handshakes.rsa import RsaOaep
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing import RecordingUi, TypedFrames, stack_of
from plytalk.testing.parts import Unsealed
from plytalk.testing.verdict import idle


class Reversed(Unsealed):
    """Turns words round, to see them differ."""

    name = "reversed"

    def seal(self, plaintext: bytes) -> bytes:
        return plaintext[::-1]

    open = seal


async def test_every_border_is_heard_of_on_the_way_out_and_in() -> None:
    heard: dict[Role, list[TraceEvent]] = {role: [] for role in Role}
    streams = memory_stream_pair()
    sessions = [
        DirectChat(Connection(stack_of(Reversed), stream, role, trace=heard[role].append))
        for stream, role in zip(streams, Role, strict=True)
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
        TraceEvent("messages", "out", "plaintext", b"abc"),
        TraceEvent("cipher", "out", "sealed", b"cba"),
        TraceEvent("framer", "out", "M", b"M\0\0\0\3cba"),
        TraceEvent("messages", "out", "plaintext", b"exit"),
        TraceEvent("cipher", "out", "sealed", b"tixe"),
        TraceEvent("framer", "out", "M", b"M\0\0\0\4tixe"),
        TraceEvent("session", "", "ended", b"You said exit."),
    ]
    assert heard[Role.RESPONDER] == [
        TraceEvent("framer", "in", "M", b"M\0\0\0\3cba"),
        TraceEvent("cipher", "in", "sealed", b"cba"),
        TraceEvent("messages", "in", "plaintext", b"abc"),
        TraceEvent("framer", "in", "M", b"M\0\0\0\4tixe"),
        TraceEvent("cipher", "in", "sealed", b"tixe"),
        TraceEvent("messages", "in", "plaintext", b"exit"),
        TraceEvent("session", "", "ended", b"The other side said exit."),
    ]
    for stream in streams:
        stream.close()


async def test_the_handshake_is_heard_of_as_frames() -> None:
    heard: list[TraceEvent] = []
    client, server = memory_stream_pair()
    session = DirectChat(Connection(stack_of(), client, Role.INITIATOR, trace=heard.append))
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


class Asks(list[TraceEvent]):
    """A trace that may ask for keys."""

    def __init__(self, secrets: object) -> None:
        self.secrets = secrets

    __call__ = list.append

    def __bool__(self) -> bool:
        return True


KEYS = {
    "one for both": (SessionSecrets.shared(b"k"), [("session key", b"k")]),
    "one each": (SessionSecrets(b"ours", b"theirs"), [("client key", b"theirs"), ("server key", b"ours")]),
    "none": (SessionSecrets.none(), []),
}


async def test_keys_are_told_before_the_cipher_overwrites_them() -> None:
    heard = {role: Asks(True) for role in Role}
    streams = memory_stream_pair()
    layers = (TypedFrames, RsaOaep, AesGcm)
    ends = [
        DirectChat(Connection(stack_of(*layers), each, role, trace=heard[role])) for each, role in zip(streams, Role, strict=True)
    ]
    await asyncio.gather(*(each.open() for each in ends))
    ours, theirs = ([event.data for event in events if event.layer == "keys"] for events in heard.values())
    assert ours == theirs
    assert len(set(ours[0])) > 1
    for end in ends:
        end.stream.close()


@pytest.mark.parametrize("which", KEYS)
def test_keys_are_told_to_a_trace_that_asks_for_them_and_to_no_other(which) -> None:
    secrets, told = KEYS[which]
    asking = Asks(True)
    Tracer(asking).tell_keys(secrets, Role.RESPONDER)
    assert sorted((event.what, event.data) for event in asking) == told
    assert all((event.layer, event.way) == ("keys", "") for event in asking)
    for other in (Asks(False), Asks("yes"), Asks(None)):  # nothing but True is a yes
        Tracer(other).tell_keys(secrets, Role.RESPONDER)
        Tracer(other).tell_key("session key", b"k")
        assert other == []


def test_what_an_authenticator_says_over_the_wire_is_no_step_of_the_handshake() -> None:
    async def talk() -> list[TraceEvent]:
        heard: list[TraceEvent] = []
        client, server = memory_stream_pair()
        for stream in (client, server):
            stream.deliver_to(lambda data: None, lambda error: None)
        io = Tracer(heard.append).handshake_io(stack_of().handshake)(TypedFrames(), client, nobody)
        await io.send(b"K", b"a key")
        await io.send(MESSAGE, b"sealed")
        client.close()
        server.close()
        return heard

    assert [event.what for event in asyncio.run(talk())] == ["K"]


async def nobody(identity: Identity) -> None:
    raise AssertionError("nobody is to be judged here")


def test_a_group_tells_one_conversation_from_another() -> None:
    heard: list[TraceEvent] = []
    for group in ("client 0", "server 0"):
        Tracer(heard.append, group).tell("started")
    assert [event.group for event in heard] == ["client 0", "server 0"]


async def test_without_a_trace_a_session_wraps_nothing() -> None:
    client, server = memory_stream_pair()
    session = DirectChat(Connection(stack_of(ui=RecordingUi), client, Role.INITIATOR))
    await session.open()
    connection = session.connection
    assert connection.stream is client
    assert not [layer for layer in (connection.framer, connection.cipher, connection.messages) if isinstance(layer, Traced)]
    client.close()
    server.close()


# -- batches ---------------------------------------------------------------------------------------------------------------


def batch_methods() -> set[str]:
    """The methods by which a layer that is traced may do many at once."""
    forms = [form for name, form in vars(contracts).items() if name.endswith(("Each", "Batch"))]
    return {name for form in forms for name in vars(form) if not name.startswith("_")}


def test_all_batch_forms_are_known_as_such() -> None:
    assert batch_methods() == BATCH_FORMS.keys()


async def test_each_message_of_a_batch_passes_every_boundary_by_itself() -> None:
    heard: dict[Role, list[TraceEvent]] = {role: [] for role in Role}
    streams = memory_stream_pair()
    ends = [
        DirectChat(Connection(stack_of(TypedFrames, RsaOaep, AesGcm), each, role, trace=heard[role].append))
        for each, role in zip(streams, Role, strict=True)
    ]
    await asyncio.gather(*(end.open() for end in ends))
    for end in ends:
        heard[end.role].clear()
        end.begin()
    words = [b"first", b"second", b"third"]
    for word in words:
        ends[0].say(word.decode())
    await idle()
    for role, way in zip(Role, ("out", "in"), strict=True):
        passed = [event for event in heard[role] if event.way == way]
        assert [event.data for event in passed if event.layer == "messages"] == words
        assert [len([event for event in passed if event.layer == layer]) for layer in ("cipher", "framer")] == [3, 3]
    for end in ends:
        end.stream.close()


async def test_a_server_s_trace_of_a_room_has_each_member_s_frame_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    heard: list[TraceEvent] = []
    async with Crowd(tmp_path, transport=Tcp, host="127.0.0.1", headless=True, trace=heard.append) as crowd:
        people = [await crowd.comes(name) for name in ("alice", "bob", "carol")]
        await idle()
        heard.clear()
        people[0].say("to all")
        for person in people:
            await person.shows("to all")
        sent = [[event.layer for event in frame.layers] for frame in inspect_frames(heard) if frame.way == "out"]
    assert len(sent) >= len(people)
    assert all(layers[-2:] == ["cipher", "framer"] for layers in sent), sent
