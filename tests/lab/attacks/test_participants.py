"""The two people of the lab: what they are shown and told, and the conversations an attacker begins with one of them."""

import asyncio

import pytest

from plytalk.core.bases.attacking import wait_until_idle
from plytalk.core.contracts.errors import BrokenPlugin
from plytalk.core.contracts.events import Message, Sender, notify, now
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.questions import Question
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.participants import (
    ADDRESS,
    AttackerSessions,
    OutOfBand,
    ParticipantRecord,
    ParticipantUi,
    SharedTerminalUi,
    make_session,
    open_session,
)
from plytalk.testing.endpoints import stack_of
from plytalk.testing.parts import GivenKeys


class Faulty(GivenKeys):
    """Divides by zero."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        raise ZeroDivisionError


class Shows(GivenKeys):
    """The server has the client's key judged."""

    async def respond(self, io: HandshakeIO) -> SessionSecrets:
        secrets = await super().respond(io)
        await io.ask(Identity("test", b"the client's key"))
        return secrets


def attacker_sessions(handshake: type[Handshake] = GivenKeys) -> AttackerSessions:
    return AttackerSessions({role: stack_of(handshake) for role in Role})


def answers(*questions: str) -> list[bool]:
    """What people say who are asked these, one each."""

    async def ask() -> list[bool]:
        out_of_band, records = OutOfBand(), [ParticipantRecord() for _ in questions]
        uis = [ParticipantUi(record, out_of_band) for record in records]
        asking = (ui.question_queue.ask(question) for ui, question in zip(uis, questions, strict=True))
        said = await asyncio.gather(*asking)
        assert [record.asked for record in records] == [[question] for question in questions]
        return said

    return clock.run(ask())


def test_people_say_yes_to_what_both_are_asked_alike_and_to_nothing_else() -> None:
    assert answers("The words are one two three.", "The words are one two three.") == [True, True]
    assert answers("The words are one two three.", "The words are one two four.") == [False, False]
    assert answers("Is this the server's key?") == [False]


def test_who_was_asked_alone_can_compare_another_time() -> None:
    async def ask() -> list[bool]:
        out_of_band = OutOfBand()
        alone = await out_of_band.compare("same")
        return [alone, *await asyncio.gather(*(out_of_band.compare("same") for _ in range(2)))]

    assert clock.run(ask()) == [False, True, True]


def test_what_is_told_before_a_conversation_opens_is_no_alarm_and_afterwards_it_is() -> None:
    async def talk() -> ParticipantRecord:
        ours, theirs = memory_stream_pair()
        record = ParticipantRecord()
        client = make_session(stack_of(), ours, Role.INITIATOR, record, OutOfBand())
        server = DirectChat(Connection(stack_of(), theirs, Role.RESPONDER))
        notify(client.stack.ui, "It holds the key.")
        assert all(await asyncio.gather(open_session(client, record), open_session(server, ParticipantRecord())))
        assert record.alarms == []
        client.stack.ui.show(Message(id="local/1", time=now(), sender=Sender(), text="hello"))
        notify(client.stack.ui, "A message did not open.")
        for session in (client, server):
            session.stream.close()
        return record

    record = clock.run(talk())
    assert record.shown == ["hello"]
    assert record.alarms == ["A message did not open."]


def test_a_conversation_of_the_attacker_s_own_is_a_side_like_any_other() -> None:
    async def meet() -> ParticipantRecord:
        new = attacker_sessions()
        session = DirectChat(Connection(stack_of(), await new.connect(), Role.INITIATOR))
        await session.open()
        session.begin()
        session.say("is anybody there?")
        session.say("exit")
        await session.over()
        while not new.records[0].ending:
            await wait_until_idle()
        await new.close()
        return new.records[0]

    record = clock.run(meet())
    assert record.opened
    assert record.shown == ["is anybody there?"]


def test_a_refusal_is_an_alarm_and_the_address_is_the_lab_s() -> None:
    async def refuse() -> ParticipantRecord:
        record = ParticipantRecord()
        ours, theirs = memory_stream_pair()
        session = DirectChat(Connection(stack_of(), theirs, Role.RESPONDER, address=ADDRESS))
        ours.deliver_to(lambda data: None, lambda error: None)
        ours.finish()
        assert await open_session(session, record) is False
        return record

    record = clock.run(refuse())
    assert not record.opened
    assert len(record.alarms) == 1


def test_whose_key_was_shown_is_kept() -> None:
    async def shown() -> ParticipantRecord:
        new = attacker_sessions(Shows)
        session = DirectChat(Connection(stack_of(), await new.connect(), Role.INITIATOR))
        await session.open()
        while not new.records[0].opened:
            await wait_until_idle()
        await new.close()
        session.stream.close()
        return new.records[0]

    assert clock.run(shown()).identity == Identity("test", b"the client's key")


def test_a_fault_of_a_layer_is_raised_and_no_mere_alarm() -> None:
    async def faulty() -> ParticipantRecord:
        record = ParticipantRecord()
        _, theirs = memory_stream_pair()
        with pytest.raises(BrokenPlugin):
            await open_session(DirectChat(Connection(stack_of(Faulty), theirs, Role.RESPONDER)), record)
        return record

    assert not clock.run(faulty()).opened


def test_the_end_of_an_attack_ends_conversations_that_still_wait() -> None:
    async def several() -> int:
        new = attacker_sessions()
        for whose in Role:
            await new.connect(whose)
        await wait_until_idle()
        assert len(asyncio.all_tasks()) > 1
        await new.close()
        return len(asyncio.all_tasks())

    assert clock.run(several()) == 1


def test_one_person_at_one_terminal_reads_what_was_asked_last_and_the_line_goes_to_what_was_asked_first() -> None:
    async def scene() -> None:
        record, other, out_of_band = ParticipantRecord(), ParticipantRecord(), OutOfBand()
        person = SharedTerminalUi(record, out_of_band, other)
        first = asyncio.create_task(person.answer(Question(1, "wrong?")))
        await wait_until_idle()
        second = asyncio.create_task(person.answer(Question(2, "right?")))
        other.asked.append("right?")
        theirs = asyncio.create_task(out_of_band.compare("right?"))
        assert await first == "yes"
        assert await theirs
        assert not second.done()
        second.cancel()
        assert await person.answer(Question(3, "wrong?")) == "no"
        assert record.asked == ["wrong?", "right?", "wrong?"]

    clock.run(scene())
