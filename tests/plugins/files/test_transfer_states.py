"""What both sides are told of a transfer, whatever either of them has done about it, and what they can still do then."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from crowd import Crowd, Person
from offering import cut, folder_of, reaches, transfers, until, written

from plytalk.core.contracts.events import File
from plytalk.plugins.files import transfer_states
from plytalk.plugins.files.transfer_states import TransferState
from plytalk.plugins.rooms.room_chat import ClientState
from plytalk.plugins.transports.tcp import Tcp
from plytalk.testing.verdict import idle

LARGE = 60_000_000
EVENTS = Path(__file__).parents[3] / "docs" / "reference" / "events.md"


@pytest.mark.parametrize("state", TransferState)
def test_each_state_is_in_the_table_of_transitions(state: TransferState) -> None:
    assert re.search(rf"\b{state.name}\b", transfer_states.__doc__ or "")


def test_the_reference_of_events_names_exactly_these_states() -> None:
    [states] = re.findall(r"`state` is ([^`]*?), with its `reason`", EVENTS.read_text(encoding="utf-8"))
    assert set(re.split(r",\s+|\s+or\s+", states)) == set(TransferState)


async def becomes(person: Person, state: str) -> None:
    """Wait until the only transfer of somebody is in this state."""
    await until(
        lambda: [one.state for one in transfers(person).all()] == [state],
        lambda: f"not {state}, but {[(one.state, one.reason) for one in transfers(person).all()]}",
    )


async def asks(person: Person, line: str, answer: str) -> None:
    """Say a command of which the answer has this in it."""
    before = len(person.ui.notices)
    person.say(line)
    await until(
        lambda: any(answer in notice for notice in person.ui.notices[before:]),
        lambda: f"not {answer!r}, but {person.ui.notices[before:]}",
    )


def count_events(person: Person, state: str) -> int:
    """How many events somebody has had of a transfer in this state."""
    return sum(isinstance(event, File) and event.state == state for event in person.ui.events)


async def pair(crowd: Crowd, **options: Any) -> tuple[Person, Person]:
    ann = await crowd.comes("ann", reconnect=True)
    return ann, await crowd.comes("bob", into=folder_of(crowd, "bob"), reconnect=True, **options)


async def come_again(person: Person) -> None:
    """Cut somebody off, and wait until it is back."""
    before = person.chat
    cut(person)
    await until(
        lambda: person.chat not in (None, before) and person.ui.session.state is ClientState.IN_ROOM, lambda: "Nobody comes back"
    )  # type: ignore[attr-defined]
    await idle()


async def offer(sender: Person, receiver: Person, home: Path, size: int, to: str = "") -> None:
    """Offer the file x, of this many bytes, and wait until the receiver hears of it."""
    sender.say(f"/send {written(home / 'x', size)}{to}")
    await reaches(receiver.ui, "offered")


async def accept(receiver: Person) -> None:
    """Accept the only offer, and wait until it comes."""
    receiver.say("/accept")
    await reaches(receiver.ui, "receiving")


def tcp(home: Path) -> Crowd:
    return Crowd(home, headless=True, transport=Tcp, host="127.0.0.1")


async def test_a_sender_whose_only_receiver_has_cancelled_sends_nothing_and_still_offers(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        bob.say("/accept")
        await reaches(ann.ui, "sending")
        bob.say("/cancel")
        await reaches(bob.ui, "cancelled")  # told once nothing is there any more
        await becomes(ann, "offered")
        await asks(ann, "/transfers", "to everybody: offered")
        assert not list(folder_of(crowd, "bob").iterdir())


async def test_what_was_cancelled_or_declined_can_be_accepted_after_all(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        bob.say("/decline")
        await becomes(bob, "declined")
        await accept(bob)
        bob.say("/cancel", "/accept 1")
        await becomes(bob, "done")
        assert (folder_of(crowd, "bob") / "x").read_bytes() == (home / "x").read_bytes()
        await ann.shows("[bob] has received x")
        await asks(ann, "/transfers", "offered, received by 1")


async def test_a_folder_that_was_removed_is_made_again_for_what_is_accepted_then(home: Path) -> None:
    """The folder stayed the one that had no name any more: nothing could be received until the program was started again."""
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        await accept(bob)
        shutil.rmtree(folder_of(crowd, "bob"))
        assert "x cannot be written: the folder for it does not exist" in str((await reaches(bob.ui, "failed")).reason)
        bob.say("/accept 1")
        await becomes(bob, "done")
        assert (folder_of(crowd, "bob") / "x").read_bytes() == (home / "x").read_bytes()


async def test_a_sender_that_leaves_for_good_interrupts_nothing(home: Path) -> None:
    """Its receiver was told that the file continues, and in the next line that the offer is closed."""
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        await accept(bob)
        ann.say("/quit")
        await becomes(bob, "withdrawn")
        assert count_events(bob, "interrupted") == 0


async def test_a_server_that_is_stopped_interrupts_a_file_and_ends_it_not(home: Path) -> None:
    """Its goodbyes withdrew every offer: after a restart each file had to be accepted again."""
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        await accept(bob)
        crowd.server.stop()
        await becomes(bob, "interrupted")
        assert count_events(bob, "withdrawn") == 0


async def test_a_sender_that_is_back_before_its_cut_was_noticed_interrupts_nothing_for_good(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a lid was closed and opened elsewhere: what it offered was withdrawn, and had to be accepted again."""
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        await accept(bob)
        before = ann.session
        for name in ("finish", "close"):  # the server does not notice
            monkeypatch.setattr(before.stream, name, lambda: None)
        before.ended(ConnectionResetError())
        await becomes(bob, "done")
        assert ann.chat is not before
        monkeypatch.undo()
        before.stream.close()
        assert count_events(bob, "withdrawn") == 0
        assert (folder_of(crowd, "bob") / "x").read_bytes() == (home / "x").read_bytes()


async def test_each_state_says_why_nothing_can_be_accepted(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        await asks(bob, "/cancel 1", "You have not accepted x. /decline 1 says that you do not want it.")
        await accept(bob)
        await asks(bob, "/accept 1", "x is being received already. /cancel 1 gives it up.")
        await becomes(bob, "done")
        await asks(bob, "/accept 1", "x has arrived already. Its sender may offer it again.")
        await asks(bob, "/cancel 1", "x does not go on: done. /transfers lists all.")
        ann.say("/cancel")
        await becomes(ann, "cancelled")
        await asks(ann, "/cancel 1", "x does not go on: cancelled.")


async def test_what_is_taken_back_cannot_be_accepted_any_more(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, 10)
        bob.say("/decline")
        await becomes(bob, "declined")
        ann.say("/cancel")
        await becomes(ann, "cancelled")
        await idle()
        await asks(bob, "/accept 1", "x is not offered any more. Ask its sender to offer it again.")


async def test_what_has_arrived_does_not_arrive_again_when_either_side_comes_back(home: Path) -> None:
    """With --yes each return left another copy."""
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd, yes=True)
        ann.say(f"/send {written(home / 'x', 10)}")
        await becomes(bob, "done")
        await come_again(ann)
        await come_again(bob)
        await come_again(ann)
        await asks(bob, "/transfers", "x (10 B) from ann: done")
        assert [path.name for path in folder_of(crowd, "bob").iterdir()] == ["x"]
        assert count_events(bob, "offered") == 1


async def test_what_was_declined_is_not_offered_again_after_a_cut_but_can_be_accepted(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, 10)
        bob.say("/decline")
        await becomes(bob, "declined")
        await come_again(ann)
        await come_again(bob)
        assert count_events(bob, "offered") == 1
        bob.say("/accept")
        await becomes(bob, "done")


async def test_an_offer_that_waits_for_an_answer_has_the_same_number_after_its_sender_was_cut_off(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, 10)
        await come_again(ann)
        await becomes(bob, "offered")
        bob.say("/accept 1")
        await becomes(bob, "done")


async def test_a_file_for_one_member_goes_on_when_that_member_comes_back(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        eve = await crowd.comes("eve")
        await offer(ann, bob, home, LARGE, " @bob")
        await accept(bob)
        await come_again(bob)
        await becomes(bob, "done")
        await becomes(ann, "done")
        assert not count_events(eve, "offered")


async def test_a_file_for_one_member_goes_on_when_both_come_back_and_the_sender_first(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE, " @bob")
        await accept(bob)
        bob.session.stream.close()  # the client notices after the server
        await come_again(ann)
        await becomes(bob, "done")
        await becomes(ann, "done")


async def test_a_file_for_one_member_follows_its_name_and_goes_to_no_other_of_that_name(home: Path) -> None:
    """After a cut it was offered to the one who had taken the name meanwhile."""
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, 10, " @bob")
        bob.say("/name rob")
        await ann.shows("[bob] is now [rob]")
        mallory = await crowd.comes("mallory")
        mallory.say("/name bob")
        await ann.shows("[mallory] is now [bob]")
        await asks(ann, "/transfers", "to rob: offered")
        await come_again(ann)
        await asks(ann, "/transfers", "to rob: offered")
        bob.say("/accept")
        await becomes(ann, "done")
        assert not count_events(mallory, "offered")


async def test_one_who_goes_to_another_room_receives_the_rest_when_back(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        await accept(bob)
        bob.say("/join kitchen")
        await becomes(bob, "interrupted")
        await becomes(ann, "offered")
        bob.say("/join lobby")
        await becomes(bob, "done")


async def test_one_who_goes_to_another_room_is_told_that_the_offer_ends(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, 10)
        ann.say("/join kitchen")
        await becomes(bob, "withdrawn")
        await ann.shows("The file x cannot be sent any more: You have left lobby.")


async def test_a_sender_that_is_cut_off_shows_that_it_is_interrupted_and_then_that_it_sends(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        await offer(ann, bob, home, LARGE)
        bob.say("/accept")
        await reaches(ann.ui, "sending")
        await come_again(ann)
        await becomes(bob, "done")
        await becomes(ann, "offered")
        states = [event.state for event in ann.ui.events if isinstance(event, File) and event.own]
        assert [*dict.fromkeys(states)] == ["offered", "sending", "interrupted"]


async def test_of_two_receivers_the_second_has_progress_of_its_own(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd, yes=True)
        ann.say(f"/send {written(home / 'x', size := LARGE // 3)}")
        await becomes(bob, "done")
        await becomes(ann, "offered")
        ann.ui.events.clear()
        await crowd.comes("cyd", into=folder_of(crowd, "cyd"), yes=True)
        assert (await reaches(ann.ui, "sending")).done < size


async def test_where_the_file_has_changed_nobody_is_offered_it_any_more(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        cyd = await crowd.comes("cyd", into=folder_of(crowd, "cyd"))
        await offer(ann, bob, home, 10)
        (home / "x").write_text("another content")
        bob.say("/accept")
        assert "it has changed since it was offered" in str((await reaches(bob.ui, "failed")).reason)
        await becomes(cyd, "withdrawn")
        await asks(ann, "/transfers", "failed: ")


async def test_the_same_file_from_another_member_waits_for_the_first_to_let_go(home: Path) -> None:
    async with tcp(home) as crowd:
        ann, bob = await pair(crowd)
        cyd = await crowd.comes("cyd")
        path = written(home / "x", LARGE)
        ann.say(f"/send {path}")
        await reaches(bob.ui, "offered")
        cyd.say(f"/send {path}")
        await bob.shows("[cyd] offers x")
        bob.say("/accept 1", "/accept 2")
        await asks(bob, "/transfers", "from cyd: accepted")
        bob.say("/cancel 1")
        await reaches(bob.ui, "done")
        assert [path.name for path in folder_of(crowd, "bob").iterdir()] == ["x"]
