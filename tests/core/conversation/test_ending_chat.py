"""How a conversation ends, what its user is told of it, and how much counts as received."""

import asyncio
from collections.abc import Iterable

import pytest
from alone import Alone, Items, frame

from plytalk.core.contracts.endings import EndedBy, Ending
from plytalk.core.contracts.errors import Exit, Tampered, Truncated
from plytalk.core.contracts.items import Close, CloseReason, Item
from plytalk.core.contracts.limits import Limits
from plytalk.core.contracts.properties import Property
from plytalk.core.conversation.direct_chat import DirectChat
from plytalk.core.conversation.ui_hearer import UiHearer
from plytalk.core.io.memory_stream import MemoryStream
from plytalk.testing import RecordingUi, two_ends
from plytalk.testing.parts import PlainWords, Unsealed
from plytalk.testing.verdict import idle

# -- how it ends ----------------------------------------------------------------------------------------------------------


async def test_all_who_asked_are_told_of_the_end_at_once_also_those_who_ask_late() -> None:
    alone = await Alone().open()
    told: list[tuple[int, DirectChat, Ending]] = []
    for number in (1, 2):
        alone.session.when_over(lambda session, ending, number=number: told.append((number, session, ending)))
    alone.session.exit()
    assert told == [(number, alone.session, Ending(EndedBy.US, "You said exit.")) for number in (1, 2)]
    alone.session.when_over(lambda session, ending: told.append((3, session, ending)))
    assert told[2] == (3, alone.session, Ending(EndedBy.US, "You said exit."))
    await alone.over()
    assert len(told) == 3


async def test_a_peer_that_closes_without_exit_has_ended_the_conversation() -> None:
    alone = await Alone().open()
    alone.peer.send(frame(b"bye"))
    alone.peer.close()
    ending = await alone.over()
    assert ending == Ending(EndedBy.THEM, "The other side closed the connection without saying exit.")
    assert alone.ui.messages == ["bye"]


async def test_a_server_that_closes_before_it_says_anything_may_not_have_let_us_in() -> None:
    alone = await Alone().open()
    alone.peer.close()
    ending = await alone.over()
    assert (ending.by, ending.exit_code) == (EndedBy.THEM, 8)
    assert "Perhaps the server is full, or does not let you in" in ending.reason


async def test_where_a_goodbye_is_authenticated_closing_without_one_is_truncation() -> None:
    class Careful(PlainWords):
        """Says goodbye."""

        name = "careful"
        gives = {Property.CLEAN_END}

    alone = await Alone(Careful).open()
    alone.peer.close()
    ending = await alone.over()
    assert isinstance(ending.error, Truncated)
    assert (ending.by, ending.exit_code) == (EndedBy.FAULT, 8)


@pytest.mark.parametrize("sent", [1, 4, 5, 9])
async def test_a_peer_that_closes_in_the_middle_of_a_frame_has_truncated_it(sent: int) -> None:
    alone = await Alone().open()
    alone.peer.send(frame(b"whole") + frame(b"halves")[:sent])
    alone.peer.close()
    ending = await alone.over()
    assert ending.error
    assert "in the middle of a frame" in ending.error.sentence
    assert ending.exit_code == 8
    assert alone.ui.messages == ["whole"]


async def test_a_connection_that_breaks_is_truncation_with_its_cause_in_words() -> None:
    alone = await Alone().open()
    alone.session.connection._ended(ConnectionResetError(104, "Connection reset\x1b by peer"))
    ending = await alone.over()
    assert ending.exit_code == 8
    assert ending.reason.startswith("The connection was cut (connection reset␛ by peer)")


async def test_a_connection_that_breaks_after_our_goodbye_may_have_lost_it() -> None:
    alone = await Alone().open()
    alone.session.exit()
    alone.session.connection._ended(ConnectionResetError(104, "reset"))
    ending = await alone.over()
    assert (ending.by, ending.exit_code) == (EndedBy.US, 8)
    assert "may not have received everything: the connection was cut" in ending.reason


async def test_nothing_is_said_after_our_goodbye_and_what_still_comes_is_heard() -> None:
    alone = await Alone().open()
    alone.session.say("last words")
    alone.session.exit()
    alone.session.exit()
    alone.session.say("ghost")
    alone.session.say("exit")
    alone.peer.send(frame(b"on its way already"))
    await idle()
    assert alone.says == frame(b"last words") + frame(b"exit")
    await alone.over()
    alone.session.connection._receive(frame(b"too late"))
    assert alone.ui.messages == ["on its way already"]


async def test_items_behind_a_goodbye_are_not_heard() -> None:
    class Several(PlainWords):
        """Says several things at once."""

        name = "several"

        def unpack(self, plaintext: bytes) -> Iterable[Item]:
            return ["before", Close(), "behind"]

    alone = await Alone(Several).open()
    alone.peer.send(frame(b"") + frame(b""))
    assert (await alone.over()).by is EndedBy.THEM
    assert alone.ui.messages == ["before"]


async def test_the_goodbye_is_sent_as_typed_and_nothing_else_is_lost() -> None:
    alone = await Alone().open()
    alone.session.say("wait for me")
    alone.session.say(" Exit")
    await idle()
    assert alone.says == frame(b"wait for me") + frame(b" Exit")
    await alone.over()


async def test_after_our_goodbye_we_wait_for_the_peer_to_close() -> None:
    alone = await Alone(limits=Limits(goodbye=3600)).open()
    alone.session.exit()
    waiting = asyncio.create_task(alone.over())
    await idle()
    assert not waiting.done()
    alone.peer.send(frame(b"read me, or the system resets the connection"))
    alone.peer.close()
    assert (await waiting).by is EndedBy.US


async def test_but_not_where_nothing_moves_any_more() -> None:
    alone = await Alone(limits=Limits(goodbye=0.01)).open()
    alone.session.exit()
    ending = await alone.over()
    assert (ending.by, ending.exit_code) == (EndedBy.US, 8)
    assert ending.reason == "The other side may not have received everything: nothing moved for 0.01 s."


async def test_a_peer_that_reads_slowly_gets_time_as_long_as_it_reads() -> None:
    class Slow(MemoryStream):
        left = [*range(60, 0, -1), *[1] * 60]

        @property
        def buffered(self) -> int:
            return self.left.pop(0) if len(self.left) > 1 else 1

    alone = await Alone(limits=Limits(goodbye=0.001), stream=Slow).open()
    alone.session.exit()
    assert (await alone.over()).exit_code == 8
    assert len(Slow.left) < 60


@pytest.mark.parametrize("messages", [PlainWords, Items])
async def test_our_side_is_closed_where_nothing_more_is_to_be_said_and_not_before(messages: type[PlainWords]) -> None:
    alone = await Alone(messages, limits=Limits(goodbye=3600)).open()
    alone.session.exit()
    await idle()
    assert alone.says == frame(b"exit")
    assert bool(alone.heard.ends) is (messages is PlainWords)  # with acknowledgements, theirs is still to be acknowledged
    waiting = asyncio.create_task(alone.over())
    if messages is Items:
        alone.peer.send(frame(b"late") + frame(b"=1") + frame(b"exit"))
        await idle()
        assert alone.says.endswith(frame(b"=2"))  # what came late, and the goodbye
    alone.peer.close()
    assert (await waiting).error is None


@pytest.mark.parametrize("messages", [PlainWords, Items])
@pytest.mark.parametrize("sent", [frame(b"exit"), b"M\xff\xff\xff\xff"], ids=["their goodbye", "a fault"])
async def test_our_side_is_closed_after_a_fault_and_behind_their_goodbye(messages: type[PlainWords], sent: bytes) -> None:
    alone = await Alone(messages).open()
    alone.peer.send(sent)
    await idle()
    assert alone.heard.ends
    await alone.over()


@pytest.mark.parametrize(("taken", "lost"), [(3, ""), (1, ", and 2 of the last lines that you sent were not acknowledged")])
async def test_a_cut_is_told_with_the_lines_that_were_not_acknowledged(taken: int, lost: str) -> None:
    alone = await Alone(Items).open()
    for line in ("one", "two", "three"):
        alone.session.say(line)
    alone.peer.send(frame(b"=%d" % taken))
    await idle()
    alone.session.connection._ended(ConnectionResetError(104, "reset"))
    assert (await alone.over()).reason.startswith(
        f"The connection was cut (reset): something the other side sent may be missing{lost}."
    )


async def test_one_that_stops_waiting_for_the_end_is_told_what_is_open() -> None:
    alone = await Alone(limits=Limits(goodbye=3600)).open()
    alone.session.exit()
    waiting = asyncio.create_task(alone.over())
    await idle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert alone.session.ending is not None
    assert alone.session.ending.reason == "The other side may not have received everything: you stopped waiting."
    alone.peer.close()


async def test_when_it_is_over_the_keys_are_dropped_and_nothing_refers_back_to_it() -> None:
    forgotten = []

    class Forgets(Unsealed):
        """Tells when it is to forget."""

        def forget(self) -> None:
            forgotten.append(self)

    alone = Alone(Forgets)
    await alone.session.open()
    alone.session.when_over(lambda session, ending: None)
    alone.session.extend(9, alone.session.fail)
    alone.session.heard_by(RecordingUi())
    alone.session.begin()
    try:
        raise Tampered("no")
    except Tampered as error:
        alone.session.fail(error)
    assert not forgotten
    ending = await alone.session.over()
    assert forgotten == [alone.session.connection.cipher]
    assert ending.error is not None
    assert ending.error.__traceback__ is None
    assert (alone.session._extensions, alone.session._when_over) == ((), ())
    assert isinstance(alone.session._hearer, UiHearer)
    alone.peer.close()


# -- what the goodbye says ------------------------------------------------------------------------------------------------


class Reasons(PlainWords):
    """Its goodbyes have a reason and a sentence."""

    name = "reasons"

    def pack(self, items: Iterable[Item]) -> Iterable[bytes]:
        for item in items:
            yield f"exit {int(item.reason)} {item.sentence}".encode() if isinstance(item, Close) else str(item).encode()

    def unpack(self, plaintext: bytes) -> Iterable[Item]:
        word, _, rest = plaintext.decode().partition(" ")
        reason, _, sentence = rest.partition(" ")
        return [Close(reason=int(reason), sentence=sentence)] if word == "exit" else [plaintext.decode()]


async def test_a_server_says_why_it_removes_a_client() -> None:
    async with two_ends(Reasons) as (client, server):
        server.session.exit(reason=CloseReason.KICKED, sentence="Enough.")
        told = await client.over()
        assert (told.by, told.reason, told.exit_code, told.code) == (EndedBy.THEM, "Enough.", Exit.REMOVED, CloseReason.KICKED)
        assert await server.over() == Ending(EndedBy.US, "Enough.", code=CloseReason.KICKED)


async def test_a_client_removes_nobody_whatever_reason_it_gives() -> None:
    async with two_ends(Reasons) as (client, server):
        client.session.exit(reason=CloseReason.KICKED, sentence="Enough.")
        assert await server.over() == Ending(EndedBy.THEM, "The other side said exit.")
        await client.over()


async def test_a_server_that_stops_says_so_to_both_sides() -> None:
    async with two_ends(Reasons) as (client, server):
        server.session.exit(reason=CloseReason.SHUTDOWN)
        assert (await client.over()).reason == "The server was stopped."
        assert (await server.over()).reason == "The server was told to end."


# -- what was received ----------------------------------------------------------------------------------------------------


async def test_an_acknowledgement_counts_once_and_never_for_more_than_was_said() -> None:
    alone = await Alone(Items).open()
    for line in ("one", "two", "three"):
        alone.session.say(line)
    for taken, left in ((2, 1), (1, 1), (99, 0)):
        alone.peer.send(frame(b"=%d" % taken))
        await idle()
        assert (alone.session.unacknowledged, alone.session.unreceived) == (left, left)
    alone.session.say("four")
    assert alone.session.unacknowledged == 1
    alone.session.exit()
    await alone.over()


async def test_without_acknowledgements_what_has_not_reached_the_other_side_is_counted_in_pieces() -> None:
    alone = await Alone().open()
    alone.peer.pause()
    for line in ("one", "two", "three"):
        alone.session.say(line)
        await idle()
    assert alone.session.unreceived == 3
    alone.peer.resume()
    await idle()
    assert alone.session.unreceived == 0
    alone.session.exit()
    await alone.over()


async def test_a_client_that_heard_nothing_cannot_know_whether_it_was_let_in_and_a_server_can() -> None:
    async with two_ends() as (client, server):
        assert client.session.unheard
        assert not server.session.unheard
        server.say("welcome")
        await client.hears()
        assert not client.session.unheard


@pytest.mark.parametrize("messages", [PlainWords, Items])
async def test_a_cut_before_a_word_was_heard_comes_with_what_to_do(messages: type[PlainWords]) -> None:
    alone = await Alone(messages).open()
    alone.session.connection._ended(ConnectionResetError(104, "reset"))
    error = (await alone.over()).error
    assert isinstance(error, Truncated)
    assert "does not let you in" in (error.hint or "")


async def test_only_the_first_ending_counts() -> None:
    alone = await Alone().open()
    alone.session.fail(Tampered("first"))
    alone.session.fail(Tampered("second"))
    alone.session.exit()
    assert alone.says == b""
    assert (await alone.over()).reason == "first"
