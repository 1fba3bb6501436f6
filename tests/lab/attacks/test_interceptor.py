"""The place between two ends: what passes is cut into frames and counted, and what is done reaches the end it is meant for."""

import asyncio
from pathlib import Path

import pytest

from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, LocalError, WrongSecret
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.transport import Stream
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.attack import Attack, Passing
from plytalk.lab.attacks.interceptor import Interceptor, Leg
from plytalk.lab.attacks.run import Passive
from plytalk.lab.attacks.scenario import ATTACKER, scenarios
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
) -> tuple[Interceptor, dict[Role, End]]:
    pairs = {role: memory_stream_pair() for role in Role}
    streams = {role: inner for role, (_, inner) in pairs.items()}
    return Interceptor(stack_of(handshake), attack, streams, preludes or {}), {
        role: End(outer) for role, (outer, _) in pairs.items()
    }


async def over(*ends: End) -> None:
    for end in ends:
        await end.over.wait()


def test_frames_are_told_apart_by_sender_order_and_whether_the_handshake_is_done() -> None:
    async def talk() -> Interceptor:
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
    assert [passing for passing in interceptor.frames if passing.sender is CLIENT] == [
        Passing(CLIENT, 0, True, b"K", b"key"),
        Passing(CLIENT, 0, False, b"M", b"one"),
        Passing(CLIENT, 1, False, b"M", b"two"),
    ]
    assert [passing for passing in interceptor.frames if passing.sender is SERVER] == [Passing(SERVER, 0, False, b"M", b"three")]


def test_what_is_no_frame_of_the_stack_passes_for_the_ends_to_judge() -> None:
    async def talk() -> None:
        interceptor, ends = between(Passive())
        await interceptor.start()
        ends[CLIENT].stream.send(b"M\xff\xff\xff\xffrubbish")
        ends[CLIENT].stream.finish()
        await over(ends[SERVER])
        assert ends[SERVER].heard == b"M\xff\xff\xff\xffrubbish"
        assert interceptor.frames == []

    clock.run(talk())


def test_frames_and_bytes_of_the_attacker_s_own_go_to_the_end_it_names() -> None:
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
            await interceptor.meet()
        with pytest.raises(LocalError, match="chat lab"):
            await interceptor.leaked(CLIENT)

    clock.run(ask())


# -- conversations of the attacker's own -----------------------------------------------------------------------------------


def test_posing_as_both_ends_gives_a_conversation_with_each_under_other_keys() -> None:
    async def pose() -> None:
        interceptor, ends = between(Passive(), handshake=Shows)
        honest = {role: Leg(interceptor.stack, end.stream, role, lambda role: None) for role, end in ends.items()}
        opening = [asyncio.create_task(leg.open()) for leg in honest.values()]
        to_client, to_server = await interceptor.pose(interceptor.stack)
        client, server = await asyncio.gather(*opening)
        assert client.send != server.receive  # the two ends do not hold the same keys
        assert to_server.identity == Identity("test", b"the server's key")
        honest[CLIENT].send(b"hello")
        assert await to_client.receive() == b"hello"
        to_server.send(b"good bye")
        assert await honest[SERVER].receive() == b"good bye"

    clock.run(pose())


@pytest.mark.parametrize(("who", "agrees"), [("server", True), (ATTACKER, False)])
def test_a_leg_goes_along_with_authenticators_with_the_secret_that_it_has(who: str, agrees: bool, tmp_path: Path) -> None:
    [scenario] = [scenario for scenario in scenarios(Registry()) if scenario.name == "plytalk1 psk"]

    async def meet() -> None:
        stacks = {CLIENT: scenario.stack("client", tmp_path), SERVER: scenario.stack(who, tmp_path)}
        for role, stack in stacks.items():
            await prepare(stack.handshake, role, lambda prompt: "")
        streams = memory_stream_pair()
        client, server = (
            Leg(stack, stream, role, lambda role: None) for (role, stack), stream in zip(stacks.items(), streams, strict=True)
        )
        opening = asyncio.create_task(client.open())
        if agrees:
            await asyncio.gather(server.open(), opening)
            client.send(b"hello")
            assert server.cipher.open(await server.receive()) == b"hello"
        else:
            with pytest.raises(WrongSecret):
                await server.open()
            streams[1].finish()
            with pytest.raises(WrongSecret, match="hung up"):
                await opening

    clock.run(meet())


def test_an_end_that_leaves_refuses_and_the_middle_hears_of_it() -> None:
    async def refused() -> None:
        gone: list[Role] = []
        ours, theirs = memory_stream_pair()
        interceptor = Interceptor(stack_of(), Passive(), {CLIENT: theirs, SERVER: theirs}, {}, ended=gone.append)
        leg = interceptor.leg(SERVER)
        ours.deliver_to(lambda data: None, lambda error: None)
        ours.finish()
        with pytest.raises(HandshakeFailed, match="closed the connection"):
            await leg.open()
        assert gone == [CLIENT]

    clock.run(refused())
