"""Somebody between two real ends of plytalk/1, over TCP, who repeats, drops, reorders, reflects, changes and cuts off records."""

import asyncio
import contextlib
import os

import pytest
from programs import ENVIRONMENT, connect, serve

from live.meeting import Line, calling, serving, stack
from plytalk.core.contracts.endings import EndedBy
from plytalk.core.contracts.errors import Exit, Tampered, Truncated
from plytalk.core.contracts.peers import Role

HANDSHAKE = {Role.INITIATOR: 3, Role.RESPONDER: 3}  # frames: preamble, A, C; preamble, B, the record that lets the client in


class Between:
    """Carries frames from one end to the other as they are, but for the records of `victim`, which `act` gets to see."""

    def __init__(self, port, victim, act):
        self.port, self.victim, self.act = port, victim, act
        self.lines = {}
        self.tasks = []

    async def start(self):
        self.listener = await asyncio.start_server(self.carry, "127.0.0.1", 0)
        return self.listener.sockets[0].getsockname()[1]

    async def carry(self, *ends):
        self.tasks.append(asyncio.current_task())
        self.lines[Role.INITIATOR] = Line(*ends)
        self.lines[Role.RESPONDER] = Line(*await asyncio.open_connection("127.0.0.1", self.port))
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*(self.one_way(role) for role in Role))

    async def one_way(self, role):
        number = 0
        while True:
            try:
                frame = await self.lines[role].frame()
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            there, back = self.lines[role.other], self.lines[role]
            record = number - HANDSHAKE[role]
            if role is self.victim and record >= 0:
                self.act(record, frame, there, back)
            else:
                there.send(frame)
            number += 1
        self.lines[role.other].writer.close()

    async def stop(self):
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.listener.close()
        for line in self.lines.values():
            line.writer.close()
            with contextlib.suppress(ConnectionError):
                await line.writer.wait_closed()


@contextlib.asynccontextmanager
async def two_ends(victim, act):
    """Our client and our server, in conversation through the man in the middle."""
    client, server = stack(handshake="plytalk1"), stack(handshake="plytalk1")
    async with serving(server) as at_server:
        between = Between(at_server.port, victim, act)
        try:
            async with calling(client, await between.start()) as at_client:
                for ours in (at_client, at_server):
                    await ours.ui.until(open=True)
                yield at_client, at_server
        finally:
            await between.stop()


async def says(ours, *words):
    """Each in its own record."""
    for word in words:
        ours.session.say(word)
        await ours.session.drain()


def let_by(number, frame, there, back):
    there.send(frame)


def repeat(number, frame, there, back):
    there.send(*[frame] * (2 if number == 1 else 1))


def drop(number, frame, there, back):
    if number != 1:
        there.send(frame)


class Swap:
    def __call__(self, number, frame, there, back):
        if number == 1:
            self.held = frame
        elif number == 2:
            there.send(frame, self.held)
        else:
            there.send(frame)


def flip(number, frame, there, back):
    there.send(frame[:-1] + bytes([frame[-1] ^ (number == 1)]))


def shorten(number, frame, there, back):
    there.send(frame[: -1 if number == 1 else None])


def reflect(number, frame, there, back):
    (back if number == 1 else there).send(frame)


@pytest.mark.parametrize("sender", Role)
async def test_what_nobody_touches_arrives(sender):
    async with two_ends(sender, let_by) as ends:
        speaker, hearer = ends if sender is Role.INITIATOR else ends[::-1]
        await says(speaker, "zero", "one", "two")
        assert await hearer.hears(3) == ["zero", "one", "two"]
        speaker.session.exit()
        assert (await hearer.session.over()).by is EndedBy.THEM


@pytest.mark.parametrize("sender", Role)
@pytest.mark.parametrize(("act", "heard"), [(repeat, 2), (drop, 1), (Swap(), 1), (flip, 1), (shorten, 1)])
async def test_what_somebody_touches_is_refused_where_it_arrives(act, heard, sender):
    async with two_ends(sender, act) as ends:
        speaker, hearer = ends if sender is Role.INITIATOR else ends[::-1]
        await says(speaker, "zero", "one", "two")
        ending = await hearer.session.over()
        assert isinstance(ending.error, Tampered)
        assert hearer.ui.messages == ["zero", "one"][:heard]
        cut = await speaker.session.over()
        assert isinstance(cut.error, Truncated)  # who spoke is told nothing but the end


@pytest.mark.parametrize("sender", Role)
async def test_what_comes_back_to_its_sender_is_refused(sender):
    async with two_ends(sender, reflect) as ends:
        speaker, hearer = ends if sender is Role.INITIATOR else ends[::-1]
        await says(speaker, "zero", "one")
        assert isinstance((await speaker.session.over()).error, Tampered)
        assert speaker.ui.messages == []
        assert isinstance((await hearer.session.over()).error, Truncated)
        assert hearer.ui.messages == ["zero"]


@pytest.mark.parametrize("sender", Role)
async def test_a_goodbye_from_an_earlier_record_is_none(sender):
    """A goodbye that is dropped leaves a cut."""
    async with two_ends(sender, drop) as ends:
        speaker, hearer = ends if sender is Role.INITIATOR else ends[::-1]
        await says(speaker, "zero")
        speaker.session.exit()
        assert isinstance((await hearer.session.over()).error, Truncated)
        assert hearer.ui.messages == ["zero"]


# -- the command -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dies", ["client", "server"])
def test_an_end_that_dies_leaves_a_truncated_conversation(dies, tmp_path):
    ours, theirs = (ENVIRONMENT | {"PLYTALK_HOME": os.fspath(tmp_path / name)} for name in ("client", "server"))
    with serve(environment=theirs) as server, connect(server.port, "--accept-new", environment=ours) as client:
        client.tells("Talking to")
        server.tells("Talking to")
        client.say("hello")
        assert server.hear_words() == "hello"
        victim, other = (client, server) if dies == "client" else (server, client)
        victim.process.kill()
        assert other.status() == Exit.TRUNCATED
        # What it had not read when it died, its system answers with a reset.
        assert "without a goodbye" in other.told[-1] or "was cut" in other.told[-1]
