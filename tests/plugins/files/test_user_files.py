"""The files of a conversation are made when they are used, and not before."""

from pathlib import Path

from crowd import Crowd, Screen
from offering import PatientLink, reaches, written

from plytalk.core.contracts.events import Error, Sender
from plytalk.plugins.files.receive_options import Myself, ReceiveOptions
from plytalk.plugins.files.user_files import UserFiles
from plytalk.testing import RecordingUi
from plytalk.testing.verdict import idle


async def test_who_sends_no_files_has_none(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        bob.say("hello", "/who", "//send", "/sender x")
        await crowd.ui.shows("bob: hello")
        await bob.shows("There is no command /sender.")
        await crowd.ui.shows("bob: /send")
        assert "transfers" not in vars(bob.ui.session.files)  # type: ignore[union-attr]
        assert crowd.hub.exchange.made is None


async def test_where_no_file_can_be_sent_the_command_says_why() -> None:
    ui = RecordingUi()
    files = UserFiles(ui, ReceiveOptions(), lambda: "There are no rooms here.")
    assert files.run("send", ["x"], "7")
    assert not files.run("who", [], None)
    assert not files.run_line("/who")
    await idle()
    (error,) = ui.events
    assert isinstance(error, Error)
    assert (error.text, error.request) == ("There are no rooms here.", "7")
    await files.close()


async def reaches_errors(ui: Screen, count: int) -> None:
    while sum(isinstance(event, Error) for event in ui.events) < count:
        await idle()


async def test_with_no_files_nothing_is_read_sent_or_received(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob", no_files=True)
        ann = await crowd.comes("ann")
        bob.say(f"/send {written(home / 'x', 10)}", "/accept", "/transfers")
        await reaches_errors(bob.ui, 3)
        ann.say(f"/send {written(home / 'y', 10)}")
        await reaches(ann.ui, "offered")
        ann.say("after that")
        await bob.shows("ann: after that")
        assert all("neither sends nor receives files" in one.text for one in bob.ui.events if isinstance(one, Error))
        assert not [event for event in bob.ui.events if event.type == "file"]
        assert not list(bob.ui.session.files.transfers.all())  # type: ignore[union-attr]


async def test_what_is_offered_outlives_a_connection(tmp_path: Path) -> None:
    ui = RecordingUi()
    files, link = UserFiles(ui, ReceiveOptions()), PatientLink()
    files.disconnect()
    files.connect(link, lambda: Myself(Sender(name="bob"), None))
    files.disconnect()
    await files.transfers.made.send(str(written(tmp_path / "x", 10)))
    files.connect(link, lambda: Myself(Sender(name="bob"), None))
    assert len(link.sent) == 1
    await files.close()


async def test_the_servers_user_still_offers_it_to_the_next_that_come(home: Path) -> None:
    async with Crowd(home) as crowd:
        bob = await crowd.comes("bob")
        crowd.local_member.say(f"/send {written(home / 'x', 10)}")
        await reaches(bob.ui, "offered")
        bob.say("exit")
        await bob.over()
        ann = await crowd.comes("ann")
        await reaches(ann.ui, "offered")
