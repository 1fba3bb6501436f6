"""The holder's side, against a real relay: it comes back after the relay has gone, and answers each knock."""

import asyncio
import os
from collections.abc import Callable
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from relaying import relaying

from plytalk.core.contracts.errors import CannotConnect
from plytalk.core.contracts.transport import Stream
from plytalk.core.contracts.wire import IN, OUT
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.plugins.relay import relay_listener
from plytalk.plugins.relay.relay_frames import JOIN, KNOCK, OPENED, RelayReason, first, frame
from plytalk.plugins.relay.relay_listener import MAX_ANSWERS, MAX_WAITING, ListenerState, RelayListener
from plytalk.plugins.relay.relay_server import Relay
from plytalk.plugins.relay.relay_stream import RelayStream
from plytalk.plugins.sockets import tcp_sockets
from plytalk.testing.verdict import idle
from plytalk.trust.identity import OwnIdentity


async def started(port: int = 0) -> tuple[asyncio.Task[None], int, Relay]:
    relay = Relay({"127.0.0.1"})
    listener = await tcp_sockets.listen("127.0.0.1", port)
    return asyncio.ensure_future(relay.serve(listener)), int(listener.address.rpartition(":")[2]), relay


async def joined(port: int, name: str) -> RelayStream:
    below = await tcp_sockets.connect("127.0.0.1", port)
    stream = RelayStream(below, first(JOIN, name.encode()), name)
    stream.start()
    async with asyncio.timeout(180):
        await stream.opened()
    return stream


async def test_it_holds_a_number_answers_and_is_back_after_the_relay_was_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    serving, port, _ = await started()

    async def reach() -> Stream:
        return await tcp_sockets.connect("127.0.0.1", port)

    listener = RelayListener(reach, f"127.0.0.1:{port}", "127.0.0.1", None)
    await listener.start()
    joiner = await joined(port, listener.address.partition("@")[0])
    stream = await listener.accept()
    assert stream.peer.endswith(f"@127.0.0.1:{port}")
    joiner.close()
    stream.close()

    serving.cancel()
    await asyncio.wait({serving})
    await until(lambda: listener.state is ListenerState.AWAY)
    serving, _, relay = await started(port)
    await until(lambda: listener.state is ListenerState.HOLDING)
    assert [*relay.holders] == [listener.address.partition("@")[0]]
    joiner = await joined(port, listener.address.partition("@")[0])
    (await listener.accept()).close()
    joiner.close()
    await listener.close()
    with pytest.raises(CannotConnect, match="closed"):
        await listener.accept()
    serving.cancel()
    await asyncio.wait({serving})


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(180):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_it_asks_for_its_number_again_and_says_which_one_it_got() -> None:
    serving, port, _ = await started()

    async def reach() -> Stream:
        return await tcp_sockets.connect("127.0.0.1", port)

    listener, told = RelayListener(reach, f"127.0.0.1:{port}", "127.0.0.1", None), list[str]()
    listener.report(told.append)
    await listener.start()
    number = listener.address.partition("@")[0]
    serving.cancel()
    await asyncio.wait({serving})
    await until(lambda: listener.state is ListenerState.AWAY)
    with relaying(port=port):
        await until(lambda: listener.state is ListenerState.HOLDING)
        assert listener.address.partition("@")[0] == number
    await until(lambda: listener.state is ListenerState.AWAY)
    with relaying(port=port, taken=number):
        await until(lambda: listener.state is ListenerState.HOLDING)
        await idle()
        now = listener.address.partition("@")[0]
        away = f"The relay 127.0.0.1:{port} is out of reach, and nobody can come in through it. Trying again."
        back = f"The relay 127.0.0.1:{port} is there again"
        assert told == [away, f"{back}.", away, f"{back}, and gives {now}: others hold {number} now."]
    await listener.close()


async def test_something_else_at_that_address_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_listener, "HOLD_SECONDS", 0.1)
    silent = await tcp_sockets.listen("127.0.0.1", 0)
    port = int(silent.address.rpartition(":")[2])

    async def reach() -> Stream:
        return await tcp_sockets.connect("127.0.0.1", port)

    with pytest.raises(CannotConnect, match="does not answer as a relay does"):
        await RelayListener(reach, f"127.0.0.1:{port}", "127.0.0.1", None).start()
    await silent.close()


@pytest.mark.parametrize("name", ["SHA256:" + "A" * 43, "", "0", "01", "1; id", "7\x1b]0;x\x07", "1" * 7, "7@other"])
@pytest.mark.parametrize("by_key", [False, True])
async def test_a_relay_cannot_choose_the_name_that_people_paste(name: str, by_key: bool) -> None:
    """The name of a key implies --peer: with that of another key, everybody who pastes the line would talk to its owner."""
    identity = OwnIdentity(Ed25519PrivateKey.generate()) if by_key else None
    ours, theirs = memory_stream_pair()
    theirs.deliver_to(lambda data: theirs.send(frame(OPENED + name.encode())), lambda error: None)

    async def reach() -> Stream:
        return ours

    with pytest.raises(CannotConnect, match="does not answer as a relay does"):
        await RelayListener(reach, "relay:7592", "relay", identity).start()


async def test_a_relay_that_announces_joiners_without_end_gets_some_connections_at_a_time() -> None:
    knocks = b"".join(frame(KNOCK + os.urandom(24)) for _ in range(3 * MAX_WAITING))
    reached: list[asyncio.Future[Stream]] = []
    ours, theirs = memory_stream_pair()
    theirs.deliver_to(lambda data: theirs.send(frame(OPENED + b"5") + knocks), lambda error: None)

    async def reach() -> Stream:
        if not reached:
            reached.append(asyncio.Future())
            return ours
        reached.append(asyncio.Future())
        return await reached[-1]

    listener = RelayListener(reach, "relay:7592", "relay", None)
    await listener.start()
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(reached) == 1 + MAX_ANSWERS
    for answer in reached[1:]:
        answer.set_exception(CannotConnect("The relay is full."))
    async with asyncio.timeout(180):
        while len(reached) < 1 + MAX_WAITING:
            await asyncio.sleep(0)
            for answer in reached[1:]:
                if not answer.done():
                    answer.set_exception(CannotConnect("The relay is full."))
    for _ in range(50):
        await asyncio.sleep(0)
    assert len(reached) == 1 + MAX_WAITING
    await listener.close()


async def test_two_servers_with_one_key_do_not_take_its_name_from_each_other_for_ever() -> None:
    identity = OwnIdentity(Ed25519PrivateKey.generate())
    serving, port, _ = await started()

    async def reach() -> Stream:
        return await tcp_sockets.connect("127.0.0.1", port)

    one, other = (RelayListener(reach, f"127.0.0.1:{port}", "127.0.0.1", identity) for _ in range(2))
    told, others = list[str](), list[str]()
    one.report(told.append)
    other.report(others.append)
    await one.start()
    await other.start()
    await until(lambda: one.state is ListenerState.AWAY)
    await asyncio.wait({one._keeper})  # it does not try again
    assert told == [
        "Another server with this key holds its name at the relay now. "
        f"Nobody can come in here through 127.0.0.1:{port} any more. End one of the two."
    ]
    joiner = await joined(port, other.address.partition("@")[0])
    (await other.accept()).close()
    joiner.close()
    assert (other.state, others) == (ListenerState.HOLDING, [])
    for listener in (one, other):
        await listener.close()
    serving.cancel()
    await asyncio.wait({serving})


async def test_one_that_is_closed_at_once_lets_go_of_its_name() -> None:
    ours, theirs = memory_stream_pair()
    ended: list[Exception | None] = []
    theirs.deliver_to(lambda data: theirs.send(frame(OPENED + b"7")), ended.append)

    async def reach() -> Stream:
        return ours

    listener = RelayListener(reach, "relay:7592", "relay", None)
    await listener.start()
    await listener.close()
    await until(lambda: bool(ended))


@pytest.mark.parametrize(
    ("shows_key", "said"),
    [(True, "The relay relay is there again."), (False, "The relay gives numbers only to listed keys. Give --relay-key FILE")],
)
async def test_one_that_comes_back_to_a_relay_with_a_list_shows_its_key_or_says_what_is_missing(
    shows_key: bool, said: str
) -> None:
    identity = OwnIdentity(Ed25519PrivateKey.generate()) if shows_key else None
    serving, port, _ = await started()
    reach = partial(tcp_sockets.connect, "127.0.0.1", port)
    listener, told = RelayListener(reach, "relay", "127.0.0.1", identity, by_number=True), list[str]()
    listener.report(told.append)
    await listener.start()
    name = listener.address.partition("@")[0]
    assert name.isdigit()
    serving.cancel()
    await asyncio.wait({serving})
    with relaying(port=port, allowed=[identity.public.fingerprint] if identity else []) as (relay, _):
        await until(lambda: len(told) == 2)
        assert [*relay.holders] == [name] * shows_key
        await listener.close()
    assert told[1].startswith(said)


async def test_a_relay_that_says_no_to_one_that_comes_back_is_told_once() -> None:
    identity = OwnIdentity(Ed25519PrivateKey.generate())
    serving, port, _ = await started()

    async def reach() -> Stream:
        return await tcp_sockets.connect("127.0.0.1", port)

    listener, told = RelayListener(reach, "relay", "127.0.0.1", identity), list[str]()
    listener.report(told.append)
    await listener.start()
    serving.cancel()
    await asyncio.wait({serving})
    with relaying(port=port, allowed=()) as (relay, _):
        await until(lambda: relay.figures.refused[RelayReason.NOT_ADMITTED] >= 2)
        await listener.close()
    assert told == [
        "The relay relay is out of reach, and nobody can come in through it. Trying again.",
        "The relay does not admit this key. Ask its owner to add it to the relay's --allow file.",
    ]


async def test_a_trace_hears_what_holds_the_name_from_the_first_frame_on_and_after_a_cut() -> None:
    serving, port, _ = await started()

    async def reach() -> Stream:
        return await tcp_sockets.connect("127.0.0.1", port)

    listener, heard = RelayListener(reach, f"127.0.0.1:{port}", "127.0.0.1", None), list[tuple[str, str]]()
    await listener.start()
    listener.tell_wire(lambda way, unit: heard.append((way, unit.name)))
    begins = [(OUT, "plyrelay/1 hold"), (IN, "plyrelay/1 name")]
    assert heard == begins
    serving.cancel()
    await asyncio.wait({serving})
    await until(lambda: listener.state is ListenerState.AWAY)
    serving, _, _ = await started(port)
    await until(lambda: listener.state is ListenerState.HOLDING)
    assert heard == begins * 2
    await listener.close()
    serving.cancel()
    await asyncio.wait({serving})


async def test_without_a_trace_nothing_is_kept_for_one() -> None:
    with relaying() as (_, address):
        port = int(address.rpartition(":")[2])
        listener = RelayListener(lambda: tcp_sockets.connect("127.0.0.1", port), address, "127.0.0.1", None)
        await listener.start()
        for _ in range(3):
            (await joined(port, listener.address.partition("@")[0])).close()
            (await listener.accept()).close()
        assert len(listener._passed) == 2
        await listener.close()
