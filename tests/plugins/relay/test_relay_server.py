"""The relay itself, spoken to in frames: what it passes on, what it refuses, and what it forgets."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from random import Random
from time import sleep

import pytest
from relaying import Talker, holding, paired, relaying

from plytalk.plugins.noise.seeded import seeded_identity
from plytalk.plugins.relay import relay_server
from plytalk.plugins.relay.relay_caller import CallerState, RelayLimits
from plytalk.plugins.relay.relay_frames import (
    ANSWER,
    GO,
    HOLD,
    JOIN,
    MAGIC,
    NO,
    OPENED,
    PING,
    SIGNED,
    RelayReason,
    first,
    frame,
    signed_text,
)
from plytalk.plugins.relay.relay_server import Relay
from plytalk.plugins.transports.ws import Ws
from plytalk.testing.verdict import idle
from plytalk.trust.identity import raw_key

OWN = seeded_identity(lambda purpose, size: bytes([7]) * size)
KEY = raw_key(OWN.public)


async def test_bytes_go_both_ways_as_they_are() -> None:
    answer, joiner = await paired(Relay({"h"}))
    joiner.stream.send(b"\0\0raw" * 1000)
    answer.stream.send(b"back")
    await idle()
    assert bytes(answer.came) == b"\0\0raw" * 1000
    assert bytes(joiner.came) == b"back"


async def test_what_a_joiner_says_early_waits_for_the_holder() -> None:
    relay = Relay({"h"})
    holder, name = await holding(relay)
    joiner = Talker(relay)
    await joiner.says(first(JOIN, name.encode()) + b"early")
    joiner.stream.send(b" and more")
    answer = Talker(relay)
    await answer.says(first(ANSWER, holder.frames()[-1][1:17]))
    assert bytes(answer.came) == frame(GO) + b"early and more"


async def test_a_half_close_is_passed_on_and_the_other_way_stays_open() -> None:
    relay = Relay({"h"})
    answer, joiner = await paired(relay)
    joiner.stream.finish()
    await idle()
    assert answer.ended
    answer.stream.send(b"still")
    await idle()
    assert bytes(joiner.came) == b"still"
    answer.stream.finish()
    async with asyncio.timeout(180):
        while relay.figures.pairs:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert joiner.ended


async def test_an_end_of_one_side_is_the_end_of_both() -> None:
    relay = Relay({"h"})
    answer, joiner = await paired(relay)
    for caller in relay._callers:
        if caller.stream is answer.there:
            relay._ended(caller, ConnectionResetError())
            break
    await idle()
    assert joiner.ended
    assert (relay.figures.pairs, len(relay._callers)) == (0, 1)


async def test_a_key_holds_its_own_name_and_takes_it_over_from_its_old_connection() -> None:
    relay = Relay({"relay.example.org"}, {OWN.public.fingerprint})
    holders = []
    for _ in range(2):
        holder = Talker(relay)
        [challenge] = await holder.says(first(HOLD, KEY))
        signature = OWN.sign(signed_text("relay.example.org", challenge[1:], KEY))
        assert (await holder.says(frame(SIGNED + KEY + signature)))[1] == OPENED + OWN.public.fingerprint.encode()
        holders.append(holder)
    assert holders[0].ended
    assert not holders[1].ended
    assert [*relay.holders] == [OWN.public.fingerprint]


async def test_a_number_that_is_asked_for_again_is_given_where_nobody_holds_it() -> None:
    relay = Relay({"h"})
    first_one = Talker(relay)
    assert await first_one.says(first(HOLD, b"412")) == [OPENED + b"412"]
    [other] = await Talker(relay).says(first(HOLD, b"412"))
    assert other[:1] == OPENED
    assert other != OPENED + b"412"
    first_one.stream.close()
    await idle()
    assert await Talker(relay).says(first(HOLD, b"412")) == [OPENED + b"412"]


@pytest.mark.parametrize("number", ["0", "042", "12345", "4a", "٤", "-1"])
async def test_what_is_no_number_is_not_given(number: str) -> None:
    relay = Relay({"h"})
    assert await Talker(relay).says(first(HOLD, number.encode())) == [NO + bytes([RelayReason.MALFORMED])]


@pytest.mark.parametrize("wrong", ["host", "nonce", "key", "signature", "list"])
async def test_a_name_that_is_not_proven_is_not_held(wrong: str) -> None:
    relay = Relay({"relay.example.org"}, set() if wrong == "list" else None)
    holder = Talker(relay)
    [challenge] = await holder.says(first(HOLD, KEY))
    host = "other.example.org" if wrong == "host" else "relay.example.org"
    nonce = bytes(32) if wrong == "nonce" else challenge[1:]
    signature = bytes(64) if wrong == "signature" else OWN.sign(signed_text(host, nonce, KEY))
    key = bytes(31) + b"\1" if wrong == "key" else KEY
    assert (await holder.says(frame(SIGNED + key + signature)))[-1] == NO + bytes([RelayReason.NOT_ADMITTED])
    assert relay.holders == {}


@pytest.mark.parametrize("asked", [b"", b"412"])
async def test_a_relay_with_a_list_gives_a_number_to_a_listed_key_alone(asked: bytes) -> None:
    for allowed, given in (({OWN.public.fingerprint}, True), (set(), False)):
        relay = Relay({"relay.example.org"}, allowed)
        holder = Talker(relay)
        [challenge] = await holder.says(first(HOLD, asked))
        signature = OWN.sign(signed_text("relay.example.org", challenge[1:], asked))
        answer = (await holder.says(frame(SIGNED + KEY + signature)))[-1]
        if given:
            assert answer[:1] == OPENED
            assert answer[1:].isdigit()
            assert [*relay.holders] == [asked.decode() or answer[1:].decode()]
        else:
            assert answer == NO + bytes([RelayReason.NOT_ADMITTED])
            assert relay.holders == {}


async def test_a_signature_for_a_number_is_none_for_the_name_of_the_key() -> None:
    relay = Relay({"relay.example.org"}, {OWN.public.fingerprint})
    for asked, signed in ((b"", KEY), (b"412", b""), (KEY, b"")):
        holder = Talker(relay)
        [challenge] = await holder.says(first(HOLD, asked))
        signature = OWN.sign(signed_text("relay.example.org", challenge[1:], signed))
        assert (await holder.says(frame(SIGNED + KEY + signature)))[-1] == NO + bytes([RelayReason.NOT_ADMITTED])
    assert relay.holders == {}


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n\r\n", frame(b"x"), frame(MAGIC), first(b"X"), first(HOLD, b"x"), first(JOIN), first(ANSWER, b"x"),

        first(JOIN, b"x" * 65), b"\xff\xff", b"\0\0", frame(SIGNED + bytes(96)), frame(PING),
    ],
)  # fmt: skip
async def test_anything_else_is_refused_and_closed(said: bytes) -> None:
    relay = Relay({"h"})
    talker = Talker(relay)
    assert await talker.says(said) == [NO + bytes([RelayReason.MALFORMED])]
    assert talker.ended
    assert not relay._callers


async def test_nobody_of_that_name_and_no_such_ticket() -> None:
    relay = Relay({"h"})
    assert await Talker(relay).says(first(JOIN, b"412")) == [NO + bytes([RelayReason.NOBODY])]
    assert await Talker(relay).says(first(ANSWER, bytes(16))) == [NO + bytes([RelayReason.NOBODY])]


async def test_a_ticket_works_once() -> None:
    relay = Relay({"h"})
    holder, name = await holding(relay)
    joiner = Talker(relay)
    await joiner.says(first(JOIN, name.encode()))
    ticket = holder.frames()[-1][1:17]
    assert await Talker(relay).says(first(ANSWER, ticket)) == [GO]
    assert await Talker(relay).says(first(ANSWER, ticket)) == [NO + bytes([RelayReason.NOBODY])]


async def test_limits_for_one_source_and_in_all() -> None:
    relay = Relay({"h"}, limits=RelayLimits(holds=3, pairs=1, unopened=2, joins_a_minute=2, holds_of_source=2))
    answers = [await Talker(relay, f"192.0.2.1:{port}").says(first(HOLD)) for port in range(3)]
    assert [answer[0][:1] for answer in answers] == [OPENED, OPENED, NO]
    assert answers[2] == [NO + bytes([RelayReason.TOO_OFTEN])]
    assert (await Talker(relay, "192.0.2.2:1").says(first(HOLD)))[0][:1] == OPENED
    assert await Talker(relay, "192.0.2.3:1").says(first(HOLD)) == [NO + bytes([RelayReason.FULL])]
    name = answers[0][0][1:]
    joins = [await Talker(relay, "192.0.2.9:1").says(first(JOIN, name)) for _ in range(3)]
    assert joins == [[], [NO + bytes([RelayReason.FULL])], [NO + bytes([RelayReason.TOO_OFTEN])]]
    silent = [Talker(relay) for _ in range(3)]
    await idle()
    assert [talker.ended for talker in silent] == [True, False, False]


async def test_one_address_takes_half_of_the_pairs_and_any_crowd_leaves_something_to_the_next() -> None:
    relay = Relay({"h"}, limits=RelayLimits(pairs=20, joins_a_minute=1000))
    holder, name = await holding(relay)

    answers: list[Talker] = []

    async def joins(source: str) -> tuple[list[Talker], bytes]:
        """Those that an address gets in until the relay refuses, and the refusal."""
        joined: list[Talker] = []
        while True:
            joiner = Talker(relay, f"{source}:1")
            if said := await joiner.says(first(JOIN, name.encode())):
                return joined, said[0]
            joined.append(joiner)
            if len(joined) % 2:  # waiting or paired, it is the same
                answers.append(Talker(relay, "192.0.2.1:2"))
                await answers[-1].says(first(ANSWER, holder.frames()[-1][1:17]))

    (greedy, said), *others = [await joins(f"192.0.2.{50 + one}") for one in range(4)]
    assert said == NO + bytes([RelayReason.TOO_OFTEN])
    assert [len(greedy), *(len(one) for one, _ in others)] == [10, 5, 3, 1]
    assert len((await joins("192.0.2.99"))[0]) == 1
    assert await joins("192.0.2.100") == ([], NO + bytes([RelayReason.FULL]))
    for talker in (*answers, *greedy):
        talker.stream.close()
    await idle()
    assert len((await joins("192.0.2.101"))[0]) == 3  # of the 5 pairs that have ended


async def test_a_crowd_from_one_address_takes_no_place_of_another() -> None:
    relay = Relay({"h"}, limits=RelayLimits(unopened=3))
    honest = Talker(relay, "192.0.2.1:1")
    silent = [Talker(relay, f"192.0.2.66:{port}") for port in range(10)]
    await idle()
    assert [talker.ended for talker in silent] == [True] * 8 + [False] * 2
    assert relay.figures.evicted == 8
    assert not honest.ended


async def test_no_joiner_is_announced_to_a_holder_that_does_not_read() -> None:
    relay = Relay({"h"}, limits=RelayLimits(joins_a_minute=100))
    holder, name = await holding(relay)
    holder.stream.pause()
    holder.there.send(bytes(relay.limits.unread + 1))
    assert await Talker(relay).says(first(JOIN, name.encode())) == [NO + bytes([RelayReason.NOBODY])]


async def test_a_network_of_ipv6_is_one_source() -> None:
    relay = Relay({"h"}, limits=RelayLimits(joins_a_minute=2, holds_of_source=2))
    holds = [await Talker(relay, f"[2001:db8::{one:x}]:1").says(first(HOLD)) for one in range(3)]
    assert holds[2] == [NO + bytes([RelayReason.TOO_OFTEN])]
    joins = [await Talker(relay, f"[2001:db8:0:1::{one:x}]:1").says(first(JOIN, b"412")) for one in range(3)]
    assert joins[1:] == [[NO + bytes([RelayReason.NOBODY])], [NO + bytes([RelayReason.TOO_OFTEN])]]


async def test_one_that_says_nothing_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_server, "FIRST_SECONDS", 0.02)
    relay = Relay({"h"})
    holder, name = await holding(relay)
    silent, joiner = Talker(relay), Talker(relay)
    await joiner.says(first(JOIN, name.encode()))
    async with asyncio.timeout(180):
        while not (silent.ended and joiner.ended):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert not holder.ended
    assert len(relay._callers) == 1


async def test_the_source_tells_callers_apart_and_no_address() -> None:
    relay = Relay({"h"})
    holder, name = await holding(relay)
    for peer in ("203.0.113.5:1", "203.0.113.5:2", "203.0.113.6:1"):
        await Talker(relay, peer).says(first(JOIN, name.encode()))
    sources = [knock[17:] for knock in holder.frames()[1:]]
    assert sources[0] == sources[1] != sources[2]
    assert {len(source) for source in sources} == {8}
    assert b"203.0.113" not in bytes(holder.came)


@asynccontextmanager
async def fast(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setattr(relay_server, "PING_SECONDS", 0.01)
    monkeypatch.setattr(relay_server, "SILENT_SECONDS", 0.5)
    yield


async def test_a_holder_that_no_longer_answers_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async with fast(monkeypatch):
        relay = Relay({"h"})
        pinging = asyncio.ensure_future(relay._ping())
        gone, _ = await holding(relay)
        async with asyncio.timeout(180):
            while not gone.ended:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert PING in gone.frames()
        assert relay.holders == {}
        pinging.cancel()


async def test_a_holder_that_pings_as_fast_as_it_can_is_let_go() -> None:
    """Each ping is three bytes: one holder that sent nothing else held up all others for a second."""
    relay = Relay({"h"})
    holder, _ = await holding(relay)
    await holder.says(frame(PING) * relay_server.MOST_PINGS)
    assert len(relay.holders) == 1
    await holder.says(frame(PING) * 1000)
    assert holder.frames()[-1] == NO + bytes([RelayReason.MALFORMED])
    assert not relay.holders


async def test_random_bytes_leave_nothing_behind() -> None:
    """Fuzz: whatever is said, the relay's books agree with its connections."""
    random = Random(5)
    relay = Relay({"h"}, limits=RelayLimits(joins_a_minute=10**9, holds_of_source=10**9))
    holder, name = await holding(relay)
    talkers = []
    for number in range(600):
        said = random.choice(
            (first(HOLD), first(HOLD, KEY), first(JOIN, name.encode()), first(ANSWER, random.randbytes(16)), b"")
        )
        said = said[: random.randrange(len(said) + 1)] if random.random() < 0.3 else said
        talker = Talker(relay, f"192.0.2.{number % 250}:1")
        talkers.append(talker)
        await talker.says(said + random.randbytes(random.choice((0, 1, 3, 300))))
        if random.random() < 0.5:
            random.choice(talkers).stream.close()
        await idle()
        states = [caller.state for caller in relay._callers]
        assert CallerState.CLOSED not in states
        assert states.count(CallerState.HOLDING) == len(relay.holders) == len(relay._holds)
        assert states.count(CallerState.WAITING) == len(relay._waiting)
        assert states.count(CallerState.PAIRED) == 2 * relay.figures.pairs
        assert len(relay._joiners) == relay.figures.pairs + relay.waiting
        assert len(relay._unopened) == states.count(CallerState.NEW) + states.count(CallerState.CHALLENGED)
    for talker in (*talkers, holder):
        talker.stream.close()
    await idle()
    assert {caller.state for caller in relay._callers} <= {CallerState.WAITING}  # which a timer ends


@pytest.mark.skipif(sys.platform != "linux", reason="needs many addresses of this machine")
def test_a_silent_crowd_from_many_addresses_drives_out_no_websocket_that_opens() -> None:
    """Its opening takes a round trip, in which a crowd can fill all places."""
    head = (
        b"GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: plytalk.1\r\n\r\n"
    )
    with relaying(RelayLimits(unopened=4), by=Ws) as (relay, address), ExitStack() as crowd:
        place = ("127.0.0.1", int(address.rpartition(":")[2]))
        with socket.create_connection(place, 30) as honest:
            honest.sendall(head[:20])
            while not relay._unopened._heard:
                sleep(0.01)
            for number in range(20):
                crowd.enter_context(socket.create_connection(place, 30, (f"127.0.1.{number + 1}", 0)))
            while relay.figures.evicted < 16:
                sleep(0.01)
            honest.sendall(head[20:])
            assert honest.recv(1000).startswith(b"HTTP/1.1 101 ")
