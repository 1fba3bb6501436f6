"""A server that is looked at: each question has its own connection, and no silence lasts for ever."""

import asyncio
from collections.abc import Callable

import pytest
from doors import Doors, Guest, greets, hangs_up
from msgspec.structs import replace

from plytalk.core.contracts.audit import Grade
from plytalk.core.contracts.errors import CannotConnect, HandshakeFailed, TooSlow
from plytalk.core.contracts.handshake import HandshakeIO
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.pipeline.connection import Connection
from plytalk.lab.attacks import clock
from plytalk.lab.audit.probe import CROWD, OVERSIZE, ServerProbe, UnreadConnection
from plytalk.plugins.messages.records import Records
from plytalk.testing.endpoints import stack_of
from plytalk.testing.parts import GivenKeys, TypedFrames

SHOWN = Identity("test", b"the server's key")
GREETING = TypedFrames().encode(b"G", b"welcome")


class Bare(Records):
    """Records that a cipher without protection may carry too."""

    name = "test-records"
    needs = frozenset()


class Shows(GivenKeys):
    """Greets with a key, which the client has judged before it goes on."""

    async def initiate(self, io: HandshakeIO) -> SessionSecrets:
        await io.receive(b"G", 100)
        await io.ask(SHOWN)
        raise AssertionError("the handshake went on")


def server_probe(doors: Doors, *, thorough: bool = False, spare: UnreadConnection | None = None) -> ServerProbe:
    return ServerProbe(replace(stack_of(Bare), transport=doors), "chat.invalid", 1, spare, thorough, patience=5.0)


def test_each_question_has_a_connection_of_its_own_that_ends_with_it() -> None:
    async def ask() -> None:
        doors = Doors(greets(GREETING))
        looked_at = server_probe(doors)
        for _ in range(2):
            async with looked_at.io() as io:
                assert await io.receive(b"G", 100) == b"welcome"
        assert looked_at.first == GREETING
        assert len(doors.guests) == 2
        for guest in doors.guests:
            await guest.gone.wait()

    clock.run(ask())


def test_a_connection_that_is_there_already_is_used_first_and_nothing_it_heard_is_lost() -> None:
    async def ask() -> None:
        doors = Doors(greets(GREETING + GREETING))
        heard = UnreadConnection(await doors.connect("chat.invalid", 1))
        heard.stream.deliver_to(heard.receive, heard.ended)
        await heard.something.wait()
        async with server_probe(doors, spare=heard).io() as io:
            assert [await io.receive(b"G", 100) for _ in range(2)] == [b"welcome"] * 2
        assert len(doors.guests) == 1

    clock.run(ask())


def test_who_never_answers_is_too_slow_and_who_is_gone_cannot_be_connected_to() -> None:
    async def ask() -> None:
        doors = Doors()
        with pytest.raises(TooSlow, match="within 5 seconds"):
            async with server_probe(doors).io() as io:
                await io.receive(b"G", 100)
        doors.open = False
        with pytest.raises(CannotConnect, match=r"chat\.invalid"):
            await server_probe(doors).closes()

    clock.run(ask())


def test_where_a_shared_key_is_wanted_each_connection_makes_another_guess() -> None:
    async def ask() -> set[bytes]:
        looked_at, guesses = server_probe(Doors()), set()
        for _ in range(2):
            async with looked_at.io(agreement="psk") as io:
                assert io.agreement == "psk"
                guesses.add(await io.agree())
        return guesses

    guesses = clock.run(ask())
    assert len(guesses) == 2
    assert {len(guess) for guess in guesses} == {32}


def test_the_key_that_is_shown_ends_the_handshake() -> None:
    async def ask() -> None:
        doors = Doors(greets(GREETING))
        assert await server_probe(doors).key_shown_to(Shows()) == SHOWN
        await doors.guests[0].gone.wait()
        assert doors.guests[0].heard == b""

    clock.run(ask())


def test_a_handshake_that_shows_no_key_says_so() -> None:
    with pytest.raises(HandshakeFailed, match="showed no key"):
        clock.run(server_probe(Doors()).key_shown_to(GivenKeys()))


# -- who is let in ---------------------------------------------------------------------------------------------------------


def test_a_server_that_talks_to_strangers_proves_it_by_an_answer() -> None:
    async def ask() -> bool | None:
        tasks: list[asyncio.Task[None]] = []

        async def hold(session: DirectChat) -> None:
            await session.open()
            session.begin()
            await session.over()

        def talk(guest: Guest) -> None:
            session = DirectChat(Connection(stack_of(Bare), guest.stream, Role.RESPONDER))
            tasks.append(asyncio.create_task(hold(session)))

        let_in = await server_probe(Doors(talk)).lets_in(GivenKeys())
        await asyncio.gather(*tasks)  # it was told goodbye
        return let_in

    assert clock.run(ask()) is True


@pytest.mark.parametrize(("habit", "answer"), [(hangs_up, False), (Guest.listen, None)], ids=["hangs up", "says nothing"])
def test_no_answer_is_no_entry(habit: Callable[[Guest], None], answer: bool | None) -> None:
    async def ask() -> bool | None:
        return await server_probe(Doors(habit)).lets_in(GivenKeys())

    assert clock.run(ask()) is answer


# -- its habits ------------------------------------------------------------------------------------------------------------


def test_whether_a_connection_is_closed_is_seen_and_not_waited_for_for_ever() -> None:
    async def ask() -> tuple[bool, bool]:
        return await server_probe(Doors(hangs_up)).closes(b"rubbish"), await server_probe(Doors()).closes(b"rubbish", within=60.0)

    assert clock.run(ask()) == (True, False)


async def grades(doors: Doors, thorough: bool = False) -> list[tuple[str, Grade]]:
    findings = [finding async for finding in server_probe(doors, thorough=thorough).habits(b"K", b"rubbish")]
    assert all(finding.advice for finding in findings if finding.grade is not Grade.GOOD)
    return [(finding.about, finding.grade) for finding in findings]


def test_a_server_that_ends_at_rubbish_is_told_from_one_that_goes_on() -> None:
    async def ask() -> None:
        strict, patient = Doors(hangs_up), Doors()
        assert await grades(strict) == [("robustness", Grade.GOOD)] * 2
        assert await grades(patient) == [("robustness", Grade.WARN)] * 2
        frames = [TypedFrames().encode(b"K", payload) for payload in (b"rubbish", bytes(OVERSIZE))]
        assert [bytes(guest.heard) for guest in patient.guests] == frames

    clock.run(ask())


def test_silence_and_a_crowd_are_looked_at_when_asked_for() -> None:
    async def ask() -> None:
        everybody = Doors()
        assert (await grades(everybody, thorough=True))[2:] == [("limits", Grade.WARN)] * 2
        assert len(everybody.guests) == 3 + CROWD
        for guest in everybody.guests:
            await guest.gone.wait()

        def bouncer(guest: Guest) -> None:
            guest.listen()
            if len(few.guests) > 10:
                guest.stream.close()
            else:
                asyncio.get_running_loop().call_later(5.0, guest.stream.close)

        few = Doors(bouncer)
        assert (await grades(few, thorough=True))[2:] == [("limits", Grade.GOOD)] * 2

    clock.run(ask())
