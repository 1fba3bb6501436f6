"""How a conversation opens: the handshake in time, and every fault named."""

import asyncio
import gc
import inspect
import socket

import pytest
from opening import PATIENT, QUICK, Client, Open, Shown, frame

from plytalk.core.contracts.errors import (
    BadFrame,
    BrokenPlugin,
    ChatError,
    HandshakeFailed,
    StackMismatch,
    TooSlow,
)
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Role, SessionSecrets
from plytalk.core.contracts.properties import Profile
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.establish import Establishment
from plytalk.core.pipeline.tracing import TraceEvent, Tracer
from plytalk.core.stack.selection import Stack
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing import TypedFrames, stack_of
from plytalk.testing.parts import Unsealed
from plytalk.testing.verdict import idle, within

pytestmark = pytest.mark.virtual_time


async def test_a_peer_that_says_nothing_is_too_slow() -> None:
    client = Client(limits=Limits(first_byte=0.05, handshake=3600))
    error = await within(client.opens(), "The first byte was waited for as long as the whole handshake.")
    assert isinstance(error, TooSlow)
    assert error.sentence.startswith("The other side said nothing for 0.05 seconds.")
    assert error.exit_code == 4


async def test_a_server_that_should_speak_first_and_does_not_runs_another_stack() -> None:
    class ServerFirst(Shown):
        """The server speaks first."""

        speaks_first = Role.RESPONDER

    error = await Client(ServerFirst, limits=QUICK).opens()
    assert isinstance(error, StackMismatch)
    assert error.exit_code == 6
    assert isinstance(await Client(ServerFirst, limits=QUICK, role=Role.RESPONDER).opens(), TooSlow)


@pytest.mark.parametrize(
    ("first", "expected"), [(Role.RESPONDER, StackMismatch), (Role.INITIATOR, HandshakeFailed)], ids=["server", "client"]
)
async def test_a_server_that_closes_without_a_word_runs_another_stack_only_if_it_should_speak_first(
    first: Role, expected: type[ChatError]
) -> None:
    class SpeaksFirst(Shown):
        """One of the two speaks first."""

        speaks_first = first

    client = Client(SpeaksFirst)
    client.peer.close()
    assert type(await client.opens()) is expected


async def test_a_peer_that_begins_and_does_not_finish_is_too_slow() -> None:
    client = Client(limits=QUICK)
    client.peer.send(b"K")
    error = await client.opens()
    assert isinstance(error, TooSlow)
    assert "did not finish its handshake within 0.1 seconds" in error.sentence


async def test_one_byte_at_a_time_does_not_buy_more_time() -> None:
    client = Client(limits=QUICK)

    async def drip() -> None:
        for byte in frame(b"K", b"x" * 9):
            client.peer.send(bytes([byte]))
            await asyncio.sleep(0.02)

    dripping = asyncio.create_task(drip())
    assert isinstance(await client.opens(), TooSlow)
    dripping.cancel()
    await asyncio.gather(dripping, return_exceptions=True)


async def test_a_timeout_of_the_handshake_s_own_is_its_own_fault() -> None:
    class Impatient(Shown):
        """Runs its own clock."""

        async def initiate(self, io) -> SessionSecrets:
            raise TimeoutError

    error = await Client(Impatient).opens()
    assert isinstance(error, BrokenPlugin)
    assert "The handshake `shown` raised TimeoutError." in error.sentence


async def test_a_fault_without_a_code_of_its_own_counts_as_the_handshake_s() -> None:
    client = Client()
    client.peer.send(frame(b"X", b""))
    error = await client.opens()
    assert type(error) is HandshakeFailed
    assert "Expected a handshake frame of type b'K'" in error.sentence
    assert BadFrame().exit_code == 1
    assert error.exit_code == 4


async def test_a_peer_with_another_stack_is_named() -> None:
    known = [Profile("loud", "Shouts", 1, {"framer": "test-plain"}, rb"\x00\x00")]
    client = Client(stack=Stack.build(stack_of(Shown).classes, known=known))
    client.peer.send(b"\0\0\0\5loud!")
    error = await client.opens()
    assert isinstance(error, StackMismatch)
    assert "--profile loud" in error.sentence


def breaking(kind: type[Layer], method: str) -> type[Layer]:
    def broken(self, *arguments, **options):
        raise ZeroDivisionError

    async def later(self, *arguments) -> None:
        raise ZeroDivisionError

    broken = later if inspect.iscoroutinefunction(getattr(kind, method)) else broken
    return type("Breaking", (kind,), {"__doc__": "Breaks.", "name": "breaking", method: broken})


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (breaking(TypedFrames, "__init__"), "The framer `breaking` cannot be made"),
        (breaking(TypedFrames, "feed"), "raised ZeroDivisionError"),
        (breaking(TypedFrames, "frames"), "raised ZeroDivisionError"),
        (breaking(TypedFrames, "encode"), "raised ZeroDivisionError"),
        (breaking(Shown, "initiate"), "The handshake `breaking` raised ZeroDivisionError"),
        (breaking(Unsealed, "__init__"), "The cipher `breaking` cannot be made"),
        (breaking(Open, "check"), "The authenticator `breaking` raised ZeroDivisionError, so the other side was refused"),
        (breaking(Open, "verify"), "The authenticator `breaking` raised ZeroDivisionError, so the other side was refused"),
    ],
)
async def test_an_exception_in_any_layer_is_a_plugin_s_fault_in_words(broken: type[Layer], words: str) -> None:
    client = Client(broken)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, BrokenPlugin)
    assert words in error.sentence
    assert isinstance(error.__cause__, ZeroDivisionError)


async def test_a_layer_whose_methods_cannot_be_replaced_is_traced_as_well() -> None:
    class Fixed(Unsealed):
        """Can be given no other method."""

        name = "fixed"

        def __setattr__(self, name: str, value: object) -> None:
            if callable(getattr(Unsealed, name, None)):
                raise AttributeError(name)
            super().__setattr__(name, value)

    stream, peer = memory_stream_pair()
    peer.send(frame(b"K", b"key"))
    heard: list[TraceEvent] = []
    opened = await Establishment(stack_of(Shown, Fixed), stream, Role.INITIATOR, "here", PATIENT, Tracer(heard.append)).run()
    assert opened.cipher.seal(b"word") == b"word"
    assert (heard[-1].layer, heard[-1].data) == ("cipher", b"word")
    stream.close()
    peer.close()


async def test_an_attempt_that_is_broken_off_is_no_circle_for_a_search_to_find() -> None:
    listener = await Tcp().listen("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", int(listener.address.rpartition(":")[2]))):
        stream = await listener.accept()
        session = DirectChat(Connection(stack_of(Shown), stream, Role.RESPONDER))
        attempt = asyncio.create_task(session.open())
        await idle()
        gc.disable()
        try:
            attempt.cancel()
            await asyncio.gather(attempt, return_exceptions=True)
            del session, attempt
            await idle()
            assert not [one for one in gc.get_objects() if isinstance(one, Establishment) and one._stream is stream]
        finally:
            gc.enable()
    await listener.close()
