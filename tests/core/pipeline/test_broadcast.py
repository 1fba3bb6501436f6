"""The same for many: each conversation under its own keys, and what goes wrong in one is nobody else's."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from crowd import Crowd

from plytalk.core.contracts.batch_methods import EncodesEach, SendsEach
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.layer import Failed, attempt
from plytalk.core.pipeline.broadcast import FEW, IN_CACHE, SMALL, broadcast, encode_each, seal_each, send_each
from plytalk.core.pipeline.handshake_io import MESSAGE
from plytalk.plugins.transports.tcp import Tcp


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLYTALK_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture(params=[0, FEW], ids=["layer by layer", "one by one"])
def few(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three connections count as many, or as few."""
    monkeypatch.setattr("plytalk.core.pipeline.broadcast.FEW", request.param)


async def test_nobody_is_no_trouble() -> None:
    assert broadcast([], [b"words"]) == []


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("size", [1, SMALL, IN_CACHE])
async def test_all_hear_the_same_in_the_same_order_and_a_goodbye_counts_it(home: Path, size: int) -> None:
    async with Crowd(home, transport=Tcp, host="127.0.0.1", keep=False) as crowd:
        people = [await crowd.comes("alice"), await crowd.comes("bob")]
        people[0].say("x" * size, "one")
        people[1].say("two")
        people.append(await crowd.comes("carol"))  # who has other counts
        people[1].say("three")
        people[0].say("/msg carol psst", "four")
        for person in people:
            await person.shows("four")
        crowd.server.stop()
        for person in people:
            ending = await person.over()
            assert (ending.by, ending.error) == (EndedBy.THEM, None), "The goodbye counts other records than those that came."
        said = [[text for _, _, text in person.ui.said if text in ("one", "two", "three", "four")] for person in people]
        assert said[0] == said[1]
        assert said[2] == said[0][-len(said[2]) :]


async def test_who_is_the_first_to_come_or_the_last_to_go_is_counted_as_well(home: Path) -> None:
    async with Crowd(home, transport=Tcp, host="127.0.0.1", keep=False) as crowd:
        alice = await crowd.comes("alice")
        for number, room in enumerate(("kitchen", "lobby", "attic")):  # the last is new, so its answer is shown
            alice.say(f"/me waves {number}")
            await alice.shows(f"waves {number}")
            alice.say(f"/join {room}")
            await alice.shows(f"You are alice in {room}")
        crowd.server.stop()
        ending = await alice.over()
        assert (ending.by, ending.error) == (EndedBy.THEM, None), "The goodbye counts other records than those that came."


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("layer", ["cipher", "framer", "stream"])
async def test_what_fails_in_one_ends_that_one_alone(home: Path, layer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Crowd(home, transport=Tcp, host="127.0.0.1") as crowd:
        alice, bob, carol = [await crowd.comes(name) for name in ("alice", "bob", "carol")]
        alice.say("before")
        await carol.shows("before")
        broken = next(member.session for member in crowd.hub.members.values() if member.name == "bob")
        cipher, framer = broken.connection.cipher, broken.connection.framer

        def fail(*arguments: object) -> bytes:
            raise ZeroDivisionError

        if layer == "cipher":
            monkeypatch.setattr(cipher._out, "crypt", fail)
        elif layer == "framer":
            monkeypatch.setattr(framer, "encode", fail)
            monkeypatch.setattr("plytalk.core.pipeline.broadcast.offers", lambda layer, batch_form: batch_form is not EncodesEach)
        else:
            monkeypatch.setattr(broken.stream, "send", fail)
            monkeypatch.setattr("plytalk.core.pipeline.broadcast.offers", lambda layer, batch_form: batch_form is not SendsEach)
        alice.say("after")
        await carol.shows("after")
        await asyncio.sleep(0)
        assert broken.ending
        assert broken.ending.by is EndedBy.FAULT
        assert (await bob.over()).error
        alice.say("still here")
        await carol.shows("still here")
        assert not any("after" in line for line in bob.ui.messages)


def test_who_can_do_it_no_faster_does_it_one_by_one() -> None:
    class Counting:
        """A cipher and a framer in one, of which the second fails."""

        def __init__(self, number: int) -> None:
            self.number = number

        def seal(self, plaintext: bytes) -> bytes:
            if self.number == 1:
                raise ZeroDivisionError
            return b"%d" % self.number + plaintext

        def encode(self, kind: bytes, payload: bytes) -> bytes:
            return kind + self.seal(payload)

    three = [Counting(number) for number in range(3)]
    failed: Failed = []
    assert seal_each(three, b"x", failed) == [b"0x", b"", b"2x"]
    assert encode_each(three, MESSAGE, [b"x"] * 3, failed) == [b"M0x", b"", b"M2x"]
    streams = [SimpleNamespace(send=three[0].seal, full=True), SimpleNamespace(send=three[1].seal, full=False)]
    assert send_each(streams, [b"x", b"y"], failed) == [0]
    assert [number for number, _ in failed] == [1, 1, 1]


class OneByOne:
    """A stream that keeps what it is sent; a `broken` one cannot send."""

    def __init__(self, full: bool = False, broken: bool = False) -> None:
        self.sent: list[bytes] = []
        self.full, self._broken = full, broken

    def send(self, data: bytes) -> None:
        if self._broken:
            raise ZeroDivisionError
        self.sent.append(data)


class Together(OneByOne):
    """One that sends for all of its kind, and for no other."""

    @staticmethod
    def send_each(streams: list[OneByOne], pieces: list[bytes], failed: Failed) -> list[int]:
        assert {type(stream) for stream in streams} == {Together}
        for number, (stream, piece) in enumerate(zip(streams, pieces, strict=True)):
            attempt(number, failed, stream.send, piece)
        return [number for number, stream in enumerate(streams) if stream.full]


def test_streams_of_several_kinds_each_get_their_own_piece() -> None:
    streams = [OneByOne(), Together(full=True), OneByOne(broken=True), OneByOne(full=True), Together(broken=True), Together()]
    failed: Failed = []
    assert sorted(send_each(streams, [b"%d" % number for number in range(6)], failed)) == [1, 3]  # type: ignore[arg-type]
    assert [stream.sent for stream in streams] == [[b"0"], [b"1"], [], [b"3"], [], [b"5"]]
    assert sorted(number for number, _ in failed) == [2, 4]
