"""Nobody sits here."""

import programs
import pytest
from msgspec.structs import replace

from plytalk.core.contracts.errors import UnknownPeer
from plytalk.core.contracts.events import Event, Message, Sender, now
from plytalk.plugins.uis.none import Nobody, layers
from plytalk.testing import check_ui, open_ends, stack_of


def test_it_passes_the_kit() -> None:
    check_ui(Nobody)


async def test_notices_are_told_and_messages_are_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    async with open_ends(replace(stack_of(), ui=Nobody()), stack_of()) as (side, other):
        other.say("hello")
        side.session.notice("Something happened.")
        other.say("exit")
        await side.over()
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "Something happened.\n"


def test_what_happens_among_several_is_not_shown_either(capsys: pytest.CaptureFixture[str]) -> None:
    Nobody().show(Message(id="lobby/1", time=now(), room="lobby", sender=Sender(name="bob"), text="hello"))
    assert capsys.readouterr() == ("", "")


async def test_nobody_can_be_asked() -> None:
    with pytest.raises(UnknownPeer, match="Nobody can be asked"):
        await Nobody().question_queue.ask("Trust this key?", "--yes")


def test_it_stays_when_its_input_ends_and_until_its_peer_goes() -> None:
    with programs.serve("--profile", "demo01", "--ui", "none") as server:
        server.end_input()
        with programs.connect(server.port, "--profile", "demo01") as client:
            client.say("hello")
            client.say("exit")
            assert client.status() == 0
        assert server.status() == 0
        assert server.hear() == ""


def test_it_goes_on_when_nobody_reads_its_notices() -> None:
    with programs.serve("--profile", "demo01", "--ui", "none", "--keep") as server:
        server.process.stderr.close()
        for _ in range(3):
            with programs.connect(server.port, "--profile", "demo01") as client:
                client.say("hello")
                client.say("exit")
                assert client.status() == 0
        server.process.kill()


def test_it_is_the_layer_of_its_module_and_says_that_nobody_is_there() -> None:
    assert layers() == [Nobody]
    assert not Nobody.present


async def test_a_ui_that_does_not_show_what_its_user_says_is_not_given_it() -> None:
    class Counting(Nobody):
        own = 0

        def show(self, event: Event) -> None:
            self.own += isinstance(event, Message) and event.own

    class CountingOwn(Counting):
        shows_own = True

    silent, shown = Counting(), CountingOwn()
    async with open_ends(replace(stack_of(), ui=silent), replace(stack_of(), ui=shown)) as (side, other):
        side.say("hello")
        other.say("hello")
        other.say("exit")
        await side.over()
    assert (silent.own, shown.own) == (0, 1)
