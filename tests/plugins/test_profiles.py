"""The profiles, and their whole pipelines: arbitrary texts through two real sessions, arbitrary garbage into one."""

import asyncio
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.items import is_exit
from plytalk.core.contracts.optional import prepare
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.sanitise import clean
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.endpoints.endpoint import stop
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.registry.registry import Registry
from plytalk.core.stack.selection import Stack, choose_named
from plytalk.plugins.profiles import profiles
from plytalk.testing import RecordingUi, byte_by_byte, open_ends, randomly
from plytalk.testing.cutting import flipped
from plytalk.testing.parts import Nowhere
from plytalk.testing.transports import Receiver
from plytalk.testing.verdict import idle, run, within

PROFILES = {profile.name: profile for profile in profiles()}
CHACHA = {**PROFILES["secure-chat"].layers, "cipher": "chacha20poly1305"}
STACKS = {**{name: profile.layers for name, profile in PROFILES.items()}, "chacha": CHACHA}
WITH_BORDERS = [name for name, layers in STACKS.items() if layers["framer"] != "raw"]
PROTECTED = [name for name, layers in STACKS.items() if layers["cipher"] != "none"]
PORTS = {"plytalk1": 7591, "demo01": 5002, "demo02": 5002, "secure-chat": 8000}

texts = st.lists(
    st.text(max_size=80) | st.sampled_from(["", " ", "é" * 300, "\0", "\x1b[2J", "a\nb", " Exit strategy "]), max_size=8
)
seeds = st.integers(0, 2**32)

Pair = tuple[Stack, Stack]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Pair]:
    """A stack of either side, made once: an RSA key takes longer than a conversation."""
    host, stacks = Registry(), {}
    folder = tmp_path_factory.mktemp("identities")

    def build(name: str, role: Role) -> Stack:
        chosen = choose_named(STACKS[name], host.layer)
        stack = Stack.build({**chosen, "transport": [Nowhere], "ui": [RecordingUi]}, {"identity": folder / role.value})
        run(lambda: prepare(stack.handshake, role, lambda prompt: ""))  # type: ignore[arg-type]
        return stack

    def pair(name: str) -> Pair:
        if name not in stacks:
            stacks[name] = build(name, Role.INITIATOR), build(name, Role.RESPONDER)
        client, server = stacks[name]
        return replace(client, ui=RecordingUi()), replace(server, ui=RecordingUi())

    return pair


# -- what they are --------------------------------------------------------------------------------------------------------


def test_the_profiles_are_these_with_the_ports_of_their_programs() -> None:
    assert {profile.name: profile.port for profile in PROFILES.values()} == PORTS


@pytest.mark.parametrize("name", PROFILES)
def test_every_layer_of_a_profile_is_installed_and_fits_the_others(name: str, made: Callable[[str], Pair]) -> None:
    client, server = made(name)
    assert client.line == server.line
    assert set(PROFILES[name].layers) == {"framer", "handshake", "cipher", "messages"}
    assert PROFILES[name].summary


@pytest.mark.parametrize("name", PROFILES)
def test_whoever_speaks_first_is_recognised_by_the_greeting_and_nobody_else_is(name: str, made: Callable[[str], Pair]) -> None:
    client, server = made(name)
    speaker = client if client.handshake.speaks_first is Role.INITIATOR else server

    async def first_words() -> bytes:
        ours, theirs = memory_stream_pair()
        role = Role.INITIATOR if speaker is client else Role.RESPONDER
        heard = Receiver(theirs)
        tasks = [
            asyncio.create_task(DirectChat(Connection(speaker, ours, role)).open()),
            asyncio.create_task(heard.until(lambda: heard.came, "nobody speaks")),
        ]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await stop(*tasks)
        theirs.close()
        return bytes(heard.came)

    said = run(first_words)
    assert bool(said) is bool(PROFILES[name].greeting)
    for profile in PROFILES.values():
        recognised = bool(said and profile.greeting and re.match(profile.greeting, said, re.DOTALL))
        assert recognised is (bool(said) and profile.name == name)


# -- arbitrary texts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WITH_BORDERS)
def test_whatever_is_said_is_heard_however_the_bytes_are_cut(name: str, made: Callable[[str], Pair]) -> None:
    @given(texts, texts, seeds)
    @settings(max_examples=25, deadline=None)
    def talk(there: list[str], back: list[str], seed: int) -> None:
        there, back = ([text for text in side if not is_exit(text)] for side in (there, back))

        async def main() -> None:
            async with open_ends(*made(name), cut=randomly(seed)) as (client, server):
                for side, lines in ((client, there), (server, back)):
                    for line in lines:
                        side.say(line)
                client.say("exit")
                ending = await within(server.over(), "the goodbye is not heard")
                assert ending == Ending(EndedBy.THEM, "The other side said exit.")
                prepare = client.session.connection.messages.prepare
                expected = [[clean(said) for line in lines if (said := prepare(line)) is not None] for lines in (there, back)]
                assert server.ui.messages == expected[0]
                assert client.ui.messages == expected[1][: len(client.ui.messages)]
                assert server.ui.notices == client.ui.notices == []

        run(main)

    talk()


def test_without_borders_every_character_is_heard_however_the_bytes_are_cut(made: Callable[[str], Pair]) -> None:
    class Raw(RecordingUi):
        """Keeps what comes as it comes."""

        raw = True

    @given(texts, seeds)
    @settings(max_examples=40, deadline=None)
    def talk(lines: list[str], seed: int) -> None:
        lines = [line for line in lines if "exit" not in line.lower()]

        async def main() -> None:
            client, server = made("demo01")
            async with open_ends(client, replace(server, ui=Raw()), cut=randomly(seed)) as (ours, theirs):
                for line in lines:
                    ours.say(line)
                await ours.session.drain()
                ours.session.stream.finish()
                await within(theirs.over(), "the end is not heard")
                assert "".join(theirs.ui.messages) == "".join(line.strip() for line in lines)

        run(main)

    talk()


# -- arbitrary garbage ----------------------------------------------------------------------------------------------------


class Peer:
    """Our end of an open conversation with a session, as bare bytes: what it would have sent can be changed."""

    def __init__(self, pair: Pair) -> None:
        self.sent: list[bytes] = []
        self.client, self.server = memory_stream_pair(self._carry, lambda data: [data])
        self.sessions = (
            DirectChat(Connection(pair[0], self.client, Role.INITIATOR)),
            DirectChat(Connection(pair[1], self.server, Role.RESPONDER)),
        )
        self.ui = pair[1].ui
        assert isinstance(self.ui, RecordingUi)

    def _carry(self, data: bytes) -> list[bytes]:
        self.sent.append(data)
        return [] if self.sessions[1].ending is None and hasattr(self.sessions[0].connection, "framer") else [data]

    async def __aenter__(self) -> "Peer":
        await asyncio.gather(*(session.open() for session in self.sessions))
        self.sent.clear()
        for session in self.sessions:
            session.begin()
        return self

    async def __aexit__(self, *error: object) -> None:
        for stream in (self.client, self.server):
            stream.close()

    async def says(self, *texts: str) -> list[bytes]:
        """The frames for these texts; they are not sent."""
        for text in texts:
            self.sessions[0].say(text)
            await asyncio.sleep(0)
        frames, self.sent = self.sent, []
        return frames

    async def hears(self, *pieces: bytes) -> Ending:
        """How the session ends that receives just this, and then the end of the stream."""
        for piece in pieces:
            self.server._arrive([piece])
        self.client.finish()
        return await within(self.sessions[1].over(), "the session hangs")


@pytest.mark.parametrize("name", STACKS)
def test_garbage_ends_a_conversation_and_nothing_else(name: str, made: Callable[[str], Pair]) -> None:
    @given(st.lists(st.binary(max_size=300), max_size=6), seeds)
    @settings(max_examples=25, deadline=None)
    def receive(garbage: list[bytes], seed: int) -> None:
        async def main() -> None:
            async with Peer(made(name)) as peer:
                ending = await peer.hears(*(piece for data in garbage for piece in randomly(seed)(data)))
                assert ending.by in (EndedBy.THEM, EndedBy.FAULT)
                if name in PROTECTED:
                    assert peer.ui.messages == []
                assert all(text.isprintable() for text in peer.ui.messages + peer.ui.notices)

        run(main)

    receive()


@pytest.mark.parametrize("name", PROTECTED)
def test_a_flipped_bit_is_never_heard_as_words(name: str, made: Callable[[str], Pair]) -> None:
    @given(st.data(), seeds)
    @settings(max_examples=40, deadline=None)
    def receive(data: st.DataObject, seed: int) -> None:
        async def main() -> None:
            async with Peer(made(name)) as peer:
                frames = await peer.says("one", "two", "three")
                stream = b"".join(frames)
                stream = flipped(stream, data.draw(st.integers(0, len(stream) * 8 - 1)))
                await peer.hears(*randomly(seed)(stream))
                assert len(peer.ui.messages) <= 2
                assert set(peer.ui.messages) <= {"one", "two", "three"}

        run(main)

    receive()


@pytest.mark.parametrize("name", PROTECTED)
def test_a_cut_stream_is_heard_up_to_the_cut(name: str, made: Callable[[str], Pair]) -> None:
    async def main() -> None:
        async with Peer(made(name)) as peer:
            frames = await peer.says("one", "two", "three")
        boundaries = {len(b"".join(frames[:count])): count for count in range(4)}
        for at in range(0, len(b"".join(frames)) + 1, 1 if len(frames[0]) < 60 else 13):
            async with Peer(made(name)) as peer:
                stream = b"".join(await peer.says("one", "two", "three"))
                ending = await peer.hears(*byte_by_byte(stream[:at]))
                whole = max(count for boundary, count in boundaries.items() if boundary <= at)
                assert peer.ui.messages == ["one", "two", "three"][:whole]
                assert (ending.exit_code == 8) is (at not in boundaries or name == "plytalk1")

    run(main)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("name", WITH_BORDERS)
def test_garbage_instead_of_a_handshake_is_refused_in_words(name: str, role: Role, made: Callable[[str], Pair]) -> None:
    @given(st.lists(st.binary(max_size=300), max_size=5), seeds)
    @settings(max_examples=25, deadline=None)
    def receive(garbage: list[bytes], seed: int) -> None:
        async def main() -> None:
            ours, theirs = memory_stream_pair()
            stack = made(name)[0 if role is Role.INITIATOR else 1]
            for data in garbage:
                for piece in randomly(seed)(data):
                    theirs.send(piece)
            theirs.finish()
            with pytest.raises(ChatError) as failure:
                await within(DirectChat(Connection(stack, ours, role)).open(), "the handshake hangs")
            assert failure.value.exit_code in (4, 6)
            assert failure.value.sentence.isprintable()
            theirs.close()
            await idle()

        run(main)

    receive()


async def test_the_garbage_above_would_be_heard_if_it_could() -> None:
    """The peer of these tests really delivers: on a stack without protection a flipped bit is heard."""
    chosen = choose_named(STACKS["demo01"], Registry().layer)
    stacks = [Stack.build({**chosen, "transport": [Nowhere], "ui": [RecordingUi]}) for _ in range(2)]
    async with Peer((stacks[0], stacks[1])) as peer:
        [frame] = await peer.says("one")
        await peer.hears(flipped(frame, 0))
        assert peer.ui.messages == ["nne"]
