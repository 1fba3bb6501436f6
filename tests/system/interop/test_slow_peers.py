"""Peers that take too long, with limits small enough to wait for: they hold up neither us for ever nor the others at all."""

import asyncio
import contextlib

import pytest
from peers import demo02, habits, secure_chat
from stacks import stack_of

from plytalk.core.contracts.errors import HandshakeFailed, StackMismatch, TooSlow
from plytalk.core.contracts.limits import Limits
from plytalk.core.endpoints.client import Client
from plytalk.core.endpoints.server import Server
from plytalk.core.registry.registry import Registry

SHORT = Limits(first_byte=3.0, handshake=5.0)  # still enough for an honest peer, however busy the machine
SHORTEST = Limits(first_byte=0.05, handshake=10.0)
PROFILE = {demo02: "demo02", secure_chat: "secure-chat"}
modules = pytest.mark.parametrize("module", PROFILE, ids=["demo02", "secure_chat"])


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 180))


@contextlib.asynccontextmanager
async def serving(module, limits):
    """A server in this process: (its port, its UI)."""
    stack, memo = stack_of(PROFILE[module])
    server = asyncio.create_task(Server(stack, Registry().manager.hook, limits=limits).run("127.0.0.1", 0, keep=True))
    try:
        yield int((await memo.address).rpartition(":")[2]), memo
    finally:
        server.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await server


def good_peer(module, port):
    with habits.connect(port) as sock:
        key = module.handshake_client(sock)
        module.send_message(sock, key, "hello")
        module.send_message(sock, key, "exit")
        habits.silence(sock)


def drip(sock, data):
    with contextlib.suppress(ConnectionError):
        habits.dripping(sock, data, pause=0.03)


@modules
def test_a_server_waits_a_while_for_the_first_byte_and_then_talks_to_others(module):
    async def converse():
        async with serving(module, SHORT) as (port, memo):
            with habits.connect(port) as sock:
                await asyncio.to_thread(habits.silence, sock)  # returns once the server closes
                await memo.told("did not get in: The other side said nothing for 3 seconds.")
            await asyncio.to_thread(good_peer, module, port)
            assert await memo.messages.get() == "hello"

    run(converse())


@modules
def test_a_byte_now_and_then_does_not_hold_a_server(module):
    async def converse():
        async with serving(module, SHORT) as (port, memo):
            with habits.connect(port) as sock:
                frame = demo02.frame(bytes(256)) if module is demo02 else secure_chat.frame(b"S", bytes(256))
                await asyncio.to_thread(drip, sock, frame)
                await memo.told("The other side did not finish its handshake within 5 seconds.")
            await asyncio.to_thread(good_peer, module, port)
            assert await memo.messages.get() == "hello"

    run(converse())


def test_slow_peers_do_not_delay_a_good_one():
    async def converse():
        async with serving(secure_chat, Limits()) as (port, memo):
            with contextlib.ExitStack() as stack:
                for _ in range(10):
                    stack.enter_context(habits.connect(port)).sendall(b"S")
                await asyncio.to_thread(good_peer, secure_chat, port)
                assert await memo.messages.get() == "hello"

    run(converse())


def connecting(module, habit, limits):
    async def converse(port):
        await Client(stack_of(PROFILE[module])[0], Registry().manager.hook, limits=limits).run("127.0.0.1", port)

    with habits.bad_server(habit) as port:
        run(converse(port))


@modules
def test_a_client_waits_a_while_for_the_first_byte(module):
    with pytest.raises((TooSlow, StackMismatch), match=r"said nothing for 0\.05 seconds"):
        connecting(module, habits.silence, SHORTEST)


@modules
def test_a_byte_now_and_then_does_not_hold_a_client(module):
    pem = habits.rsa_pem()
    frame = demo02.frame(pem) if module is demo02 else secure_chat.frame(b"K", pem)
    with pytest.raises(TooSlow, match=r"did not finish its handshake within 5 seconds"):
        connecting(module, lambda sock: drip(sock, frame), SHORT)


def test_leaving_in_the_middle_of_a_frame_is_no_slowness():
    with pytest.raises(HandshakeFailed, match="closed the connection during the handshake"):
        connecting(secure_chat, lambda sock: (sock.sendall(b"K\0\0"), habits.leave(sock)), Limits())
