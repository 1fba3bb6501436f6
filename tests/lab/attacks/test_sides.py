"""The two people of the lab: what they are shown and told, and the conversations an attacker begins with one of them."""

import asyncio

import pytest

from plytalk.core.contracts.errors import BrokenPlugin
from plytalk.core.contracts.handshake import Handshake, HandshakeIO
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.contracts.questions import Question
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.session import Session
from plytalk.lab.attacks import clock
from plytalk.lab.attacks.sides import (
    ADDRESS,
    AttackerSessions,
    Participant,
    Telephone,
    Typist,
    Witness,
    open_session,
    quiet,
    session_of,
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


def meetings(handshake: type[Handshake] = GivenKeys) -> AttackerSessions:
    return AttackerSessions({role: stack_of(handshake) for role in Role})


def answers(*questions: str) -> list[bool]:
    """What people say who are asked these, one each."""

    async def ask() -> list[bool]:
        telephone, sides = Telephone(), [Participant() for _ in questions]
        witnesses = [Witness(side, telephone) for side in sides]
        asking = (witness.question_queue.ask(question) for witness, question in zip(witnesses, questions, strict=True))
        said = await asyncio.gather(*asking)
        assert [side.asked for side in sides] == [[question] for question in questions]
        return said

    return clock.run(ask())


def test_people_say_yes_to_what_both_are_asked_alike_and_to_nothing_else() -> None:
    assert answers("The words are one two three.", "The words are one two three.") == [True, True]
    assert answers("The words are one two three.", "The words are one two four.") == [False, False]
    assert answers("Is this the server's key?") == [False]


def test_who_was_asked_alone_can_compare_another_time() -> None:
    async def ask() -> list[bool]:
        telephone = Telephone()
        alone = await telephone.compare("same")
        return [alone, *await asyncio.gather(*(telephone.compare("same") for _ in range(2)))]

    assert clock.run(ask()) == [False, True, True]


def test_what_is_told_before_a_conversation_opens_is_no_alarm_and_afterwards_it_is() -> None:
    async def talk() -> Participant:
        ours, theirs = memory_stream_pair()
        side = Participant()
        client = session_of(stack_of(), ours, Role.INITIATOR, side, Telephone())
        server = Session(stack_of(), theirs, Role.RESPONDER)
        client.stack.ui.notice("It holds the key.")
        assert all(await asyncio.gather(open_session(client, side), open_session(server, Participant())))
        assert side.alarms == []
        client.stack.ui.message("hello")
        client.stack.ui.notice("A message did not open.")
        for session in (client, server):
            session.stream.close()
        return side

    side = clock.run(talk())
    assert side.shown == ["hello"]
    assert side.alarms == ["A message did not open."]


def test_a_conversation_of_the_attacker_s_own_is_a_side_like_any_other() -> None:
    async def meet() -> Participant:
        new = meetings()
        session = Session(stack_of(), await new.meet(), Role.INITIATOR)
        await session.open()
        session.begin()
        session.say("is anybody there?")
        session.say("exit")
        await session.over()
        while not new.sides[0].ending:
            await quiet()
        await new.close()
        return new.sides[0]

    side = clock.run(meet())
    assert side.opened
    assert side.shown == ["is anybody there?"]


def test_a_refusal_is_an_alarm_and_the_address_is_the_lab_s() -> None:
    async def refuse() -> Participant:
        side = Participant()
        ours, theirs = memory_stream_pair()
        session = Session(stack_of(), theirs, Role.RESPONDER, address=ADDRESS)
        ours.deliver_to(lambda data: None, lambda error: None)
        ours.finish()
        assert await open_session(session, side) is False
        return side

    side = clock.run(refuse())
    assert not side.opened
    assert len(side.alarms) == 1


def test_whose_key_was_shown_is_kept() -> None:
    async def shown() -> Participant:
        new = meetings(Shows)
        session = Session(stack_of(), await new.meet(), Role.INITIATOR)
        await session.open()
        while not new.sides[0].opened:
            await quiet()
        await new.close()
        session.stream.close()
        return new.sides[0]

    assert clock.run(shown()).identity == Identity("test", b"the client's key")


def test_a_fault_of_a_layer_is_raised_and_no_mere_alarm() -> None:
    async def faulty() -> Participant:
        side = Participant()
        _, theirs = memory_stream_pair()
        with pytest.raises(BrokenPlugin):
            await open_session(Session(stack_of(Faulty), theirs, Role.RESPONDER), side)
        return side

    assert not clock.run(faulty()).opened


def test_the_end_of_an_attack_ends_conversations_that_still_wait() -> None:
    async def several() -> int:
        new = meetings()
        for whose in Role:
            await new.meet(whose)
        await quiet()
        assert len(asyncio.all_tasks()) > 1
        await new.close()
        return len(asyncio.all_tasks())

    assert clock.run(several()) == 1


def test_one_person_at_one_terminal_reads_what_was_asked_last_and_the_line_goes_to_what_was_asked_first() -> None:
    async def scene() -> None:
        side, other, telephone = Participant(), Participant(), Telephone()
        person = Typist(side, telephone, other)
        first = asyncio.create_task(person.answer(Question(1, "wrong?")))
        await quiet()
        second = asyncio.create_task(person.answer(Question(2, "right?")))
        other.asked.append("right?")
        theirs = asyncio.create_task(telephone.compare("right?"))
        assert await first == "yes"
        assert await theirs
        assert not second.done()
        second.cancel()
        assert await person.answer(Question(3, "wrong?")) == "no"
        assert side.asked == ["wrong?", "right?", "wrong?"]

    clock.run(scene())
