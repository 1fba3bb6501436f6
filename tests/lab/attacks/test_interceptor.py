"""The attacker's place on the path: what passes is cut into frames and counted, and what is sent reaches the right side."""

import asyncio

import pytest

from plytalk.core.contracts.attack import Attack, InterceptedFrame
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, LocalError
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attacker_connection import StackConnection
from plytalk.lab.attacks.interceptor import FrameInterceptor, HandshakeStep
from plytalk.lab.attacks.run import Passive
from plytalk.testing.endpoints import stack_of
from plytalk.testing.parts import GivenKeys, TypedFrames

CLIENT, SERVER = Role.INITIATOR, Role.RESPONDER


class Shows(GivenKeys):
    """The client has the server's key judged."""

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        secrets = await super().initiate(io)
        await io.ask(Identity("test", b"the server's key"))
        return secrets


class End:
    """One end of the attacked conversation."""

    def __init__(self, stream: Stream) -> None:
        self.stream, self.heard, self.over = stream, bytearray(), asyncio.Event()
        stream.deliver_to(self.heard.extend, lambda error: self.over.set())


def frame(payload: bytes, kind: bytes = b"M") -> bytes:
    return TypedFrames().encode(kind, payload)


def between(
    attack: Attack, preludes: dict[Role, int] | None = None, handshake: type[Handshake] = GivenKeys
) -> tuple[FrameInterceptor, dict[Role, End]]:
    pairs = {role: memory_stream_pair() for role in Role}
    streams = {role: inner for role, (_, inner) in pairs.items()}
    steps = {role: [HandshakeStep()] * count for role, count in (preludes or {}).items()}
    return FrameInterceptor(stack_of(handshake), attack, streams, steps), {role: End(outer) for role, (outer, _) in pairs.items()}


async def over(*ends: End) -> None:
    for end in ends:
        await end.over.wait()


def test_frames_are_told_apart_by_sender_order_and_whether_the_handshake_is_done() -> None:
    async def talk() -> FrameInterceptor:
        interceptor, ends = between(Passive(), {CLIENT: 1, SERVER: 0})
        await interceptor.start()
        io = frame(b"key", b"K") + frame(b"one") + frame(b"two")
        for byte in io:
            ends[CLIENT].stream.send(bytes([byte]))  # however it was cut
        ends[SERVER].stream.send(frame(b"three"))
        for end in ends.values():
            end.stream.finish()
        await over(*ends.values())
        assert ends[SERVER].heard == interceptor.captured[CLIENT] == io
        assert ends[CLIENT].heard == interceptor.captured[SERVER] == frame(b"three")
        return interceptor

    interceptor = clock.run(talk())
    assert [frame for frame in interceptor.frames if frame.sender is CLIENT] == [
        InterceptedFrame(CLIENT, 0, True, b"K", b"key"),
        InterceptedFrame(CLIENT, 0, False, b"M", b"one"),
        InterceptedFrame(CLIENT, 1, False, b"M", b"two"),
    ]
    assert [frame for frame in interceptor.frames if frame.sender is SERVER] == [
        InterceptedFrame(SERVER, 0, False, b"M", b"three")
    ]


def test_bytes_that_are_not_a_frame_of_the_stack_pass_for_the_participants_to_judge() -> None:
    async def talk() -> None:
        interceptor, ends = between(Passive())
        await interceptor.start()
        ends[CLIENT].stream.send(b"M\xff\xff\xff\xffrubbish")
        ends[CLIENT].stream.finish()
        await over(ends[SERVER])
        assert ends[SERVER].heard == b"M\xff\xff\xff\xffrubbish"
        assert interceptor.frames == []

    clock.run(talk())


def test_frames_and_bytes_that_the_attacker_sends_go_to_the_side_it_names() -> None:
    async def talk() -> None:
        interceptor, ends = between(Passive())
        await interceptor.start()
        interceptor.send(SERVER, MESSAGE, b"forged")
        interceptor.send_raw(SERVER, b"\0")
        assert interceptor.encode(MESSAGE, b"forged") == frame(b"forged")
        interceptor.close(SERVER)
        await over(ends[SERVER])
        assert ends[SERVER].heard == frame(b"forged") + b"\0"
        assert not ends[CLIENT].over.is_set()
        interceptor.cut()
        await over(ends[CLIENT])
        assert ends[CLIENT].heard == b""

    clock.run(talk())


def test_outside_the_lab_nobody_else_can_be_met_and_nothing_leaks() -> None:
    async def ask() -> None:
        interceptor, _ = between(Passive())
        with pytest.raises(CannotConnect):
            await interceptor.connect()
        with pytest.raises(LocalError, match="chat lab"):
            await interceptor.impersonate(CLIENT, leaked=True)

    clock.run(ask())


def test_impersonating_both_gives_a_connection_with_each_under_other_keys() -> None:
    async def pose() -> None:
        interceptor, ends = between(Passive(), handshake=Shows)
        honest = {role: StackConnection(interceptor.stack, end.stream, role) for role, end in ends.items()}
        opening = [asyncio.create_task(connection.open()) for connection in honest.values()]
        to_client, to_server = await interceptor.impersonate_both()
        client, server = await asyncio.gather(*opening)
        assert client.send != server.receive  # the two ends do not hold the same keys
        assert to_server.identity == Identity("test", b"the server's key")
        honest[CLIENT].say("hello")
        assert await to_client.hear() == ["hello"]
        to_server.say("good bye")
        assert await honest[SERVER].hear() == ["good bye"]

    clock.run(pose())


def test_a_participant_that_leaves_refuses_and_the_interceptor_is_told() -> None:
    async def refused() -> None:
        gone: list[Role] = []
        ours, theirs = memory_stream_pair()
        interceptor = FrameInterceptor(stack_of(), Passive(), {CLIENT: theirs, SERVER: theirs}, {}, closed=gone.append)
        connection = await interceptor.impersonate(SERVER)
        ours.deliver_to(lambda data: None, lambda error: None)
        ours.finish()
        with pytest.raises(HandshakeFailed, match="closed the connection"):
            await connection.open()
        assert gone == [CLIENT]

    clock.run(refused())


def test_what_an_attack_does_not_decide_about_passes_unchanged_and_so_does_the_end() -> None:
    async def pass_on() -> None:
        interceptor, ends = between(Passive())
        await interceptor.start()
        assert not interceptor.taken_over
        frame = TypedFrames().encode(b"M", b"hello")
        ends[Role.INITIATOR].stream.send(frame)
        ends[Role.INITIATOR].stream.finish()
        await ends[Role.RESPONDER].over.wait()
        assert ends[Role.RESPONDER].heard == frame
        assert not ends[Role.INITIATOR].over.is_set()
        assert interceptor.frames == [InterceptedFrame(Role.INITIATOR, 0, False, b"M", b"hello")]

    clock.run(pass_on())
