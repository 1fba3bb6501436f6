"""How a conversation opens: the handshake in time, the authenticators asked, and nothing that fails open."""

import asyncio
import gc
import inspect
import socket

import pytest

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.errors import (
    BadFrame,
    BrokenPlugin,
    Busy,
    ChangedPeer,
    ChatError,
    HandshakeFailed,
    LocalError,
    Refused,
    StackMismatch,
    Tampered,
    TooSlow,
    UnknownPeer,
    Usage,
    Withdrawn,
)
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.items import Close, CloseReason, Empty
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Peer, Role, SessionSecrets
from plytalk.core.contracts.properties import Profile, Property
from plytalk.core.contracts.questions import Question
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.connection import Connection
from plytalk.core.pipeline.establish import Establishment
from plytalk.core.pipeline.tracing import TraceEvent, Tracer
from plytalk.core.stack.selection import Stack
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing import RecordingUi, TypedFrames, open_ends, stack_of
from plytalk.testing.parts import PlainWords, Unsealed
from plytalk.testing.verdict import idle, within

KEY = Identity("test", b"key")
QUICK = Limits(first_byte=0.05, handshake=0.1)
PATIENT = Limits(first_byte=3600, handshake=3600)


class Shown(Handshake):
    """The server shows its key; the client answers."""

    name = "shown"
    gives = {Property.KEYS, Property.PEER_KEY}
    shows = {Role.RESPONDER}

    async def initiate(self, io) -> SessionSecrets:
        await io.ask(Identity("test", await io.receive(b"K", 9)))
        await io.send(b"S", b"secret")
        return SessionSecrets.none()

    async def respond(self, io) -> SessionSecrets:
        await io.send(b"K", KEY.key)
        await io.receive(b"S", 9)
        return SessionSecrets.none()


class Open(Authenticator):
    """Lets in every peer that shows a key."""

    name = "open"
    needs = {Property.PEER_KEY}

    async def check(self, peer: Peer) -> None:
        asked.append((peer.address, peer.identity))


class Asks(Authenticator):
    """Lets in whom the person lets in."""

    name = "asks"

    async def check(self, peer: Peer) -> None:
        if not await peer.confirm("Trust it?", "--yes"):
            raise Refused("The person said no.")


asked: list[tuple[str, Identity]] = []


@pytest.fixture(autouse=True)
def nobody_asked() -> None:
    asked.clear()


def refusing(error: Exception, method: str = "check") -> type[Authenticator]:
    async def judge(self, *about: object) -> None:
        raise error

    return type("Refusing", (Authenticator,), {"__doc__": "Refuses.", "name": "refusing", method: judge})


class Client:
    """An end that opens, and its peer as bare bytes. When it was done, it had sent `sent`, and had reset its stream or not."""

    sent, was_reset = b"", False

    def __init__(self, *layers: type[Layer], limits: Limits = PATIENT, role: Role = Role.INITIATOR, stack: Stack | None = None):
        self.stream, self.peer = memory_stream_pair()
        self.stack = stack or stack_of(Shown, *layers)
        self.opening = Establishment(self.stack, self.stream, role, "chat.example.org:1", limits, None)

    async def opens(self) -> BaseException | None:
        try:
            await self.opening.run()
        except Exception as error:
            return error
        finally:
            self.sent = b"".join(self.peer._inbox)  # which is empty once the peer is closed
            self.was_reset = self.stream._closed
            self.stream.close()
            self.peer.close()
        return None


def frame(kind: bytes, payload: bytes) -> bytes:
    return TypedFrames().encode(kind, payload)


# -- in time --------------------------------------------------------------------------------------------------------------


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


async def test_people_may_think_longer_than_peers() -> None:
    class Thinks(RecordingUi):
        """Takes its time, and says yes."""

        async def answer(self, question: Question) -> str | None:
            await asyncio.sleep(0.6)
            return "yes"

    client = Client(Asks, Thinks, limits=Limits(first_byte=0.5, handshake=0.5))
    client.peer.send(frame(b"K", b"key"))
    assert await client.opens() is None
    assert not client.opening.approved


class Yes(RecordingUi):
    """Says yes."""

    def __init__(self) -> None:
        super().__init__(True)


class AwaitsMore(Shown):
    """Waits for an answer to the answer."""

    async def initiate(self, io) -> SessionSecrets:
        await super().initiate(io)
        await io.receive(b"X", 9)
        return SessionSecrets.none()


async def test_after_a_person_s_answer_a_peer_may_go_on() -> None:
    client = Client(AwaitsMore, Asks, Yes)
    client.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(client.opens())
    await idle()
    assert client.opening.approved
    client.peer.send(frame(b"X", b""))
    assert await opening is None


async def test_after_a_person_s_answer_a_peer_has_as_much_time_as_before_and_no_more() -> None:
    client = Client(AwaitsMore, Asks, Yes, limits=QUICK)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, TooSlow)
    assert client.opening.approved


class Stares(RecordingUi):
    """Says nothing, and notes when the question is taken off the screen."""

    withdrawn = False

    async def answer(self, question: Question) -> str | None:
        self.questions.append(question.sentence)
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            self.withdrawn = True


class AsksAfterwards(Asks):
    """Asks when the handshake is done."""

    name = "asks-afterwards"

    async def check(self, peer: Peer) -> None:
        """Nothing yet."""

    async def verify(self, channel, peer: Peer) -> None:
        await super().check(peer)


class ClientShows(Shown):
    """The client shows its key."""

    shows = {Role.INITIATOR}

    async def respond(self, io) -> SessionSecrets:
        return await super().initiate(io)


@pytest.mark.parametrize("asks", [Asks, AsksAfterwards])
async def test_a_question_about_a_caller_is_withdrawn_when_it_disconnects(asks: type[Authenticator]) -> None:
    caller = Client(ClientShows, asks, Stares, role=Role.RESPONDER)
    caller.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(caller.opens())
    ui = caller.stack.ui
    assert isinstance(ui, Stares)
    while not ui.questions:
        await idle()
    assert ui.questions == [f"About chat.example.org:1 (key {KEY.fingerprint}): Trust it?"]
    assert not ui.withdrawn
    caller.peer.close()
    error = await opening
    assert isinstance(error, Withdrawn)
    assert error.sentence == "The other side disconnected while you were asked about it, so the question is withdrawn."
    assert ui.withdrawn
    assert not caller.opening.approved


async def test_a_question_is_withdrawn_when_the_caller_talks_before_it_may() -> None:
    caller = Client(ClientShows, AsksAfterwards, Stares, role=Role.RESPONDER)
    caller.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(caller.opens())
    while not caller.stack.ui.questions:  # type: ignore[attr-defined]
        await idle()
    for _ in range(5):
        caller.peer.send(frame(b"M", bytes(100_000)))
    assert isinstance(await opening, Withdrawn)


async def test_whoever_said_yes_to_a_server_that_did_not_wait_is_known_to_have_said_it() -> None:
    class YesTooLate(RecordingUi):
        """Says yes, when the server has gone."""

        async def answer(self, question: Question) -> str | None:
            client.peer.close()
            return "yes"

    client = Client(AwaitsMore, Asks, YesTooLate)
    client.peer.send(frame(b"K", b"key"))
    assert isinstance(await client.opens(), HandshakeFailed)
    assert client.opening.approved


async def test_a_timeout_of_the_handshake_s_own_is_its_own_fault() -> None:
    class Impatient(Shown):
        """Runs its own clock."""

        async def initiate(self, io) -> SessionSecrets:
            raise TimeoutError

    error = await Client(Impatient).opens()
    assert isinstance(error, BrokenPlugin)
    assert "The handshake `shown` raised TimeoutError." in error.sentence


# -- judged ---------------------------------------------------------------------------------------------------------------


async def test_every_authenticator_is_asked_before_the_answer_leaves() -> None:
    client = Client(Open, refusing(Refused("not this one")))
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, Refused)
    assert asked == [("chat.example.org:1", KEY)]
    assert client.sent == b""


@pytest.mark.parametrize(
    ("raised", "expected", "code"),
    [
        (Refused("no"), Refused, 4),
        (UnknownPeer("who?"), UnknownPeer, 4),
        (ChangedPeer("another key"), ChangedPeer, 5),
        (LocalError("the file is locked"), Refused, 4),
        (Usage("the file is missing"), Usage, 2),
        (ZeroDivisionError(), BrokenPlugin, 7),
        (TimeoutError(), BrokenPlugin, 7),
        (KeyError("secret"), BrokenPlugin, 7),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_every_exception_in_a_check_is_a_no(raised: Exception, expected: type[ChatError], code: int) -> None:
    client = Client(refusing(raised))
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert type(error) is expected
    assert error.exit_code == code
    assert client.sent == b""


@pytest.mark.parametrize(("answer", "expected"), [(True, type(None)), (False, Refused), (None, UnknownPeer)])
async def test_a_person_s_answer_counts_and_silence_is_a_no(answer: bool | None, expected: type) -> None:
    class Person(RecordingUi):
        """Answers."""

        def __init__(self) -> None:
            super().__init__(answer)

    client = Client(Asks, Person)
    client.peer.send(frame(b"K", b"key"))
    assert type(await client.opens()) is expected


async def test_an_authenticator_that_was_never_asked_is_a_no() -> None:
    class Forgets(Shown):
        """Shows no key."""

        async def initiate(self, io) -> SessionSecrets:
            return SessionSecrets.none()

    error = await Client(Forgets, Open).opens()
    assert isinstance(error, HandshakeFailed)
    assert "showed no key of the other side, so --auth open was not used" in error.sentence


class Brings(Authenticator):
    """Brings a pre-shared key."""

    name = "brings"
    agrees = "code"

    async def agree(self, io, role: Role) -> bytes:
        return b"k" * 32


class TakesAKey(Shown):
    """Takes a pre-shared key into the handshake."""

    async def initiate(self, io) -> SessionSecrets:
        assert io.agreement == "code"
        self.taken = await io.agree()
        return SessionSecrets.shared(self.taken)


async def test_a_pre_shared_key_goes_into_the_handshake_and_needs_no_other() -> None:
    client = Client(TakesAKey, Brings)
    assert await client.opens() is None
    assert client.stack.handshake.taken == b"k" * 32  # type: ignore[attr-defined]


async def test_a_pre_shared_key_that_no_handshake_took_is_a_no() -> None:
    client = Client(Brings)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, HandshakeFailed)
    assert "took no pre-shared key, so --auth brings was not used" in error.sentence


async def test_an_authenticator_that_waits_too_long_for_the_other_side_gives_up() -> None:
    class Waits(Authenticator):
        """Waits for ever."""

        name = "waits"

        async def verify(self, channel, peer: Peer) -> None:
            await channel.receive()

    client = Client(Waits, limits=QUICK)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, TooSlow)
    assert "did not answer the authenticator `waits` in time" in error.sentence


class AwaitsAPerson(Authenticator):
    """Waits for what the other side's person says."""

    name = "awaits"

    async def verify(self, channel, peer: Peer) -> None:
        await channel.receive(person=True)


async def test_the_other_side_s_person_has_time_to_think() -> None:
    client = Client(AwaitsAPerson)
    client.peer.send(frame(b"K", b"key"))
    opening = asyncio.create_task(client.opens())
    for _ in range(3):
        await idle()
    assert not opening.done()
    client.peer.send(frame(b"M", b"yes"))
    error = await opening
    assert isinstance(error, HandshakeFailed)
    assert "began to talk before both sides had agreed" in error.sentence


async def test_the_other_side_s_person_does_not_have_all_the_time_in_the_world() -> None:
    client = Client(AwaitsAPerson, limits=Limits(first_byte=3600, handshake=3600, person=0.05))
    client.peer.send(frame(b"K", b"key"))
    assert isinstance(await client.opens(), TooSlow)


async def test_what_the_other_side_does_wrong_towards_an_authenticator_counts_as_the_handshake_s() -> None:
    class Strict(Authenticator):
        """Wants something else."""

        name = "strict"

        async def verify(self, channel, peer: Peer) -> None:
            raise BadFrame("Something else came.")

    client = Client(Strict)
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert type(error) is HandshakeFailed
    assert "Something else came" in error.sentence


async def test_a_handshake_that_swallows_a_refusal_does_not_get_in() -> None:
    class Swallows(Shown):
        """Goes on whatever is said."""

        async def initiate(self, io) -> SessionSecrets:
            try:
                return await super().initiate(io)
            except ChatError:
                return SessionSecrets.none()

    client = Client(Swallows, refusing(Refused("no")))
    client.peer.send(frame(b"K", b"key"))
    error = await client.opens()
    assert isinstance(error, HandshakeFailed)
    assert "was not used" in error.sentence


async def test_our_own_key_coming_back_is_refused_unless_both_ends_are_ours() -> None:
    class Known(Shown):
        """Has its own key."""

        identity = KEY

    for peer, refused in (("192.0.2.1:8000", True), ("127.0.0.1:8000", False), ("[::1]:8000", False), ("memory:server", False)):
        client = Client(Known, Open)
        client.stream.peer = peer
        client.peer.send(frame(b"K", b"key"))
        error = await client.opens()
        assert isinstance(error, Refused) is refused
        assert ("own key" in str(error)) is refused


async def test_both_sides_of_a_conversation_can_be_told_apart_by_no_one_else() -> None:
    """`verify` is called at the end of the handshake, with a binding that only these two ends share."""

    class Bound(Shown):
        """Has a transcript."""

        async def initiate(self, io) -> SessionSecrets:
            await super().initiate(io)
            return SessionSecrets(transcript=b"t" * 32)

        async def respond(self, io) -> SessionSecrets:
            await super().respond(io)
            await io.ask(KEY)
            return SessionSecrets(transcript=b"t" * 32)

    class Notes(Authenticator):
        """Notes the binding."""

        name = "notes"

        async def verify(self, channel, peer: Peer) -> None:
            bindings.append(peer.binding)

    bindings: list[bytes] = []
    async with open_ends(stack_of(Bound, Notes), stack_of(Bound, Notes)):
        pass
    assert bindings == [SessionSecrets(transcript=b"t" * 32).binding("notes")] * 2


class Replayable(Shown):
    """A recording of the client passes."""

    first_record_proves = True


class Answers(PlainWords):
    """Can say nothing."""

    carries = frozenset({Empty})

    def pack(self, items):
        return super().pack(["" if isinstance(item, Empty) else item for item in items])


@pytest.mark.parametrize("handshake", [Shown, Replayable])
async def test_a_client_proves_that_it_is_there_before_a_word_is_said(handshake: type[Handshake]) -> None:
    async with open_ends(stack_of(handshake, Answers), stack_of(handshake, Answers)) as (ours, theirs):
        ours.session.say("hello")
        await theirs.ui.until(messages=1)


async def test_a_recording_that_proves_nothing_is_not_let_in() -> None:
    server = Client(Replayable, Answers, limits=QUICK, role=Role.RESPONDER)
    server.peer.send(frame(b"S", b"secret"))
    error = await server.opens()
    assert isinstance(error, TooSlow)
    assert "did not prove in time that it is there" in error.sentence


class Padded(Unsealed):
    """Sealing adds bytes."""

    overhead = 16

    def open(self, sealed: bytes) -> bytes:
        return sealed[:-16]


async def test_the_words_that_prove_a_client_to_be_there_may_be_as_long_as_any() -> None:
    server = Client(Replayable, Padded, limits=Limits(message=32), role=Role.RESPONDER)
    server.peer.send(frame(b"S", b"secret") + frame(b"M", b"w" * 32 + bytes(16)))
    assert await server.opens() is None


class Garbled(Unsealed):
    """Opens nothing."""

    def open(self, sealed: bytes) -> bytes:
        raise Tampered


async def test_a_client_whose_first_record_does_not_open_may_be_a_recording() -> None:
    server = Client(Replayable, Answers, Garbled, role=Role.RESPONDER)
    server.peer.send(frame(b"S", b"secret") + frame(b"M", b"recorded"))
    error = await server.opens()
    assert type(error) is HandshakeFailed
    assert "The other side's first record does not open: its handshake may be a recording." in error.sentence


# -- let in, or told why not ------------------------------------------------------------------------------------------------


class Mutual(Shown):
    """Either side shows its key."""

    shows = {Role.INITIATOR, Role.RESPONDER}
    respond = Shown.initiate


class Answered(Mutual):
    """Its server says whether it lets the client in."""

    async def initiate(self, io) -> SessionSecrets:
        io.answer()
        return await super().initiate(io)

    respond = initiate


class Goodbyes(Answers):
    """Its goodbyes have a reason; any words but `exit` are a refusal."""

    def pack(self, items):
        return super().pack(
            [f"{CloseReason(item.reason).name} {item.sentence}" if isinstance(item, Close) else item for item in items]
        )

    def unpack(self, plaintext: bytes):
        return [
            Close(reason=CloseReason.REFUSED, sentence=item) if isinstance(item, str) and item else item
            for item in super().unpack(plaintext)
        ]


SHOWN, ANSWERED = frame(b"K", b"key"), frame(b"S", b"secret")
LET_IN = frame(b"M", b"")
NOT_YOU = Refused("not this one", told="Not you.")
BRIEF = Limits(first_byte=3600, handshake=3600, goodbye=0.05)


@pytest.mark.parametrize(
    ("handshake", "messages", "said"),
    [(Answered, Goodbyes, LET_IN), (Answered, PlainWords, b""), (Mutual, Goodbyes, b"")],
    ids=["answered", "without words for it", "without an answer"],
)
async def test_a_server_says_that_a_client_is_in_where_it_waits_for_that(
    handshake: type[Handshake], messages: type[PlainWords], said: bytes
) -> None:
    for role in Role:
        end = Client(handshake, messages, role=role, limits=Limits(handshake=1, person=0.05))
        end.peer.send(SHOWN + (said if role is Role.INITIATOR else b""))
        assert await end.opens() is None
        assert end.sent == ANSWERED + (said if role is Role.RESPONDER else b"")


@pytest.mark.parametrize("method", ["check", "verify"])
@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (NOT_YOU, b"REFUSED Not you."),
        (ChangedPeer("another key"), b"REFUSED This server does not let you in."),
        (Busy("full", told="Later."), b"BUSY Later."),
    ],
    ids=["refused", "changed", "busy"],
)
async def test_a_client_that_has_finished_its_handshake_is_told_why_it_is_not_let_in(
    refusal: ChatError, told: bytes, method: str
) -> None:
    server = Client(Answered, Goodbyes, refusing(refusal, method), role=Role.RESPONDER, limits=BRIEF)
    server.peer.send(SHOWN)
    assert await server.opens() is refusal
    assert server.sent == ANSWERED + frame(b"M", told)


@pytest.mark.parametrize(
    ("layers", "role", "raised"),
    [
        ((Answered, Goodbyes), Role.INITIATOR, NOT_YOU),
        ((Answered, PlainWords), Role.RESPONDER, NOT_YOU),
        ((Mutual, Goodbyes), Role.RESPONDER, NOT_YOU),
        ((Answered, Goodbyes), Role.RESPONDER, ZeroDivisionError()),
    ],
    ids=["a server", "without words for it", "without an answer", "a fault here"],
)
async def test_nobody_else_is_told_why(layers: tuple[type[Layer], ...], role: Role, raised: Exception) -> None:
    end = Client(*layers, refusing(raised, "verify"), role=role, limits=BRIEF)
    end.peer.send(SHOWN)
    error = await end.opens()
    assert type(error) is (Refused if raised is NOT_YOU else BrokenPlugin)
    assert end.sent == ANSWERED


@pytest.mark.parametrize("method", ["check", "verify"])
@pytest.mark.parametrize(
    ("role", "messages", "is_reset"),
    [(Role.RESPONDER, PlainWords, True), (Role.RESPONDER, Goodbyes, False), (Role.INITIATOR, PlainWords, False)],
)
async def test_a_client_that_cannot_be_told_sees_that_nothing_it_said_was_taken(
    role: Role, messages: type[PlainWords], is_reset: bool, method: str
) -> None:
    end = Client(Answered, messages, refusing(NOT_YOU, method), role=role, limits=BRIEF)
    end.peer.send(SHOWN)
    assert await end.opens() is NOT_YOU
    assert end.was_reset is is_reset


async def test_a_client_that_has_gone_is_told_nothing() -> None:
    server = Client(Answered, Goodbyes, refusing(NOT_YOU, "verify"), role=Role.RESPONDER, limits=BRIEF)
    server.peer.send(SHOWN)
    server.peer.finish()
    assert await server.opens() is NOT_YOU
    assert server.sent == ANSWERED


async def test_a_client_that_refuses_does_so_at_once() -> None:
    client = Client(Answered, Goodbyes, refusing(NOT_YOU))
    client.peer.send(SHOWN)
    assert await client.opens() is NOT_YOU
    assert client.sent == b""


async def test_a_server_that_neither_lets_in_nor_refuses_is_too_slow() -> None:
    client = Client(Answered, Goodbyes, limits=Limits(handshake=0.3, person=0.05))
    client.peer.send(SHOWN)
    error = await client.opens()
    assert isinstance(error, TooSlow)
    assert error.sentence == "The server neither let you in nor refused you. Try again later."
    assert client.stack.ui.notices == [  # type: ignore[attr-defined]
        "The server has not let you in yet: perhaps a person there is asked. Waiting."
    ]


class AnsweredWithAKey(Answered):
    """Takes a pre-shared key, too."""

    async def initiate(self, io) -> SessionSecrets:
        await io.agree()
        return await super().initiate(io)


CLOSED = "The server closed the connection instead of letting you in."


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [((Answered,), CLOSED), ((AnsweredWithAKey, Brings), f"{CLOSED} Perhaps the two sides do not have the same secret.")],
    ids=["no secret", "secret"],
)
async def test_a_server_that_closes_instead_of_letting_in_is_named(layers: tuple[type[Layer], ...], sentence: str) -> None:
    client = Client(*layers, Goodbyes)
    client.peer.send(SHOWN)
    client.peer.finish()
    error = await client.opens()
    assert type(error) is HandshakeFailed
    assert error.sentence == f"{sentence} Ask its owner what it says about you."


async def test_what_a_server_says_against_a_client_is_what_its_user_reads() -> None:
    client = Client(Answered, Goodbyes)
    client.peer.send(SHOWN + frame(b"M", b"Not you."))
    client.peer.finish()
    error = await client.opens()
    assert type(error) is Refused
    assert "Not you." in error.sentence


async def test_a_server_that_says_goodbye_at_once_has_not_closed_without_a_word() -> None:
    client = Client(Answered, Goodbyes)
    client.peer.send(SHOWN + frame(b"M", b"exit"))
    error = await client.opens()
    assert type(error) is HandshakeFailed
    assert "The other side ended the conversation: The other side said exit." in error.sentence


async def test_a_first_record_of_the_server_that_does_not_open_was_changed() -> None:
    client = Client(Answered, Goodbyes, Garbled)
    client.peer.send(SHOWN + frame(b"M", b"changed"))
    error = await client.opens()
    assert type(error) is HandshakeFailed
    assert "The server's first record does not open: it was changed on the way." in error.sentence


# -- faults ---------------------------------------------------------------------------------------------------------------


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
