"""How a client is let in, or told why not."""

import asyncio

import pytest
from opening import QUICK, Brings, Client, Shown, frame, refusing

from plytalk.core.contracts.errors import (
    BrokenPlugin,
    Busy,
    ChangedPeer,
    ChatError,
    FrameTooLong,
    HandshakeFailed,
    Refused,
    Tampered,
    TooSlow,
)
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.items import Close, CloseReason, Empty
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.peers import Identity, Role, SessionSecrets
from plytalk.core.io.memory_stream import memory_stream_pair
from plytalk.core.pipeline.entrance import Entrance
from plytalk.core.pipeline.handshake_io import FrameHandshakeIO
from plytalk.core.pipeline.sealed_channel import SealedChannel
from plytalk.testing import TypedFrames, open_ends, stack_of
from plytalk.testing.parts import PlainWords, Unsealed
from plytalk.testing.verdict import idle, within

pytestmark = pytest.mark.virtual_time


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
    assert "The other side's first record does not decrypt: its handshake may be a recording." in error.sentence


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
    assert "The server's first record does not decrypt: it was changed in transit." in error.sentence


async def test_a_server_that_refuses_waits_until_its_client_has_read_why() -> None:
    server = Client(
        Answered, Goodbyes, refusing(NOT_YOU, "verify"), role=Role.RESPONDER, limits=Limits(goodbye=3600, first_byte=3600)
    )
    heard, ends = bytearray(), []
    server.peer.deliver_to(heard.extend, ends.append)
    server.peer.send(SHOWN)
    opening = asyncio.create_task(server.opens())
    await idle()
    assert bytes(heard) == ANSWERED + frame(b"M", b"REFUSED Not you.")
    assert ends == [None]
    server.peer.send(frame(b"M", b"said before it was read"))
    await idle()
    assert not opening.done()
    server.peer.finish()
    assert await within(opening, "It waits for a client that has gone.") is NOT_YOU


# -- the entrance alone ---------------------------------------------------------------------------------------------------


async def nobody_judges(identity: Identity) -> None:
    raise AssertionError("judged")


class AtTheDoor:
    """One side's entrance after the handshake, and its peer as bare bytes."""

    def __init__(self, role: Role, limits: Limits, messages: type[PlainWords] = Answers) -> None:
        stream, self.peer = memory_stream_pair()
        io = FrameHandshakeIO(TypedFrames(), stream, nobody_judges)
        stream.deliver_to(io.feed, io.ended)
        self.channel = SealedChannel(io, Unsealed(SessionSecrets.none(), role), messages(boundaries=True), role=role)
        self.entrance = Entrance(stream, role, limits, Empty in messages.carries)
        self.heard = bytearray()
        self.peer.deliver_to(self.heard.extend, lambda error: None)


@pytest.mark.parametrize(("messages", "said"), [(Answers, LET_IN), (PlainWords, b"")], ids=["can answer", "cannot"])
async def test_a_client_proves_itself_with_a_record_that_says_nothing_where_there_is_one(
    messages: type[PlainWords], said: bytes
) -> None:
    client = AtTheDoor(Role.INITIATOR, Limits(), messages)
    await within(client.entrance.prove_presence(client.channel), "The client waited for itself.")
    await idle()
    assert client.heard == said


async def test_a_client_that_can_prove_itself_only_by_words_has_the_time_of_a_person() -> None:
    limits = Limits(handshake=0, person=3600)  # it is late at once, with the time of a program
    server = AtTheDoor(Role.RESPONDER, limits, PlainWords)
    proof = asyncio.create_task(server.entrance.prove_presence(server.channel))
    await idle()
    server.peer.send(frame(b"M", b"hello"))
    await within(proof, "The words were not heard.")
    assert server.channel.items == ["hello"]

    server = AtTheDoor(Role.RESPONDER, limits)
    with pytest.raises(TooSlow, match="did not prove in time"):
        await within(server.entrance.prove_presence(server.channel), "The server waited for a program as for a person.")


async def test_the_words_that_prove_a_client_to_be_there_may_be_no_longer_than_any() -> None:
    server = AtTheDoor(Role.RESPONDER, Limits(message=32), PlainWords)
    server.peer.send(frame(b"M", b"w" * 33))
    with pytest.raises(FrameTooLong):
        await server.entrance.prove_presence(server.channel)


@pytest.mark.parametrize(("limits", "notices"), [(Limits(handshake=0), 1), (Limits(handshake=3600), 0)], ids=["late", "in time"])
async def test_a_client_is_told_once_that_it_waits_for_a_person_and_then_let_in(limits: Limits, notices: int) -> None:
    said: list[str] = []
    client = AtTheDoor(Role.INITIATOR, limits)
    entering = asyncio.create_task(client.entrance.let_in(client.channel, said.append, agreed=False))
    await idle()
    assert not entering.done()
    assert len(said) == notices
    client.peer.send(LET_IN)
    await within(entering, "The client was not let in.")
    assert len(said) == notices


@pytest.mark.parametrize("role", Role)
async def test_only_a_server_resets_what_it_cannot_answer(role: Role) -> None:
    ends: list[Exception | None] = []
    for messages in (Answers, PlainWords):
        side = AtTheDoor(role, Limits(), messages)
        side.peer.deliver_to(side.heard.extend, ends.append)
        side.entrance.show_refusal()
        await idle()
        assert len(ends) == (role is Role.RESPONDER and messages is PlainWords)
