"""`chat send --to`: who is offered the files, and when it ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from offering import written
from shells import Shell

from plytalk.cli.send_ui import SendUi
from plytalk.core.contracts.events import File, Joined, Left, MemberEvent, Renamed, Sender, You, now
from plytalk.trust.identity import load_or_create

Event = dict[str, Any]


@contextmanager
def running(home: Path, *words: str) -> Iterator[Shell]:
    """A program that is told to end when the test is over."""
    shell = Shell(home, *words, ends_input=False)
    with shell.process:
        try:
            yield shell
        finally:
            shell.process.terminate()


def until(shell: Shell, **wanted: str) -> list[Event]:
    """The events up to the one that has all this."""
    events: list[Event] = []
    while not (events and wanted.items() <= events[-1].items()):
        line = shell.line()
        assert line, f"no event with {wanted} among {events}"
        events.append(json.loads(line))
    return events


def files(events: list[Event]) -> list[Event]:
    return [event for event in events if event["type"] == "file"]


def tell(shell: Shell, **said: Any) -> None:
    assert shell.process.stdin
    shell.process.stdin.write(json.dumps(said).encode() + b"\n")
    shell.process.stdin.flush()


@contextmanager
def room(tmp_path: Path, *options: str) -> Iterator[tuple[Shell, Shell, str]]:
    """A server, another member there, and the address; the sender keeps the server's key as that of @alice."""
    with running(tmp_path / "alice", "serve", "--port", "0", "--keep", "--ui", "jsonl", *options) as server:
        address = until(server, code="listening")[-1]["data"]["address"]
        key, _ = load_or_create(tmp_path / "alice" / "identity", lambda prompt: "")
        (tmp_path / "sender").mkdir()
        (tmp_path / "sender" / "contacts").write_text(f"alice {address} {key.public}\n")
        with running(tmp_path / "bob", "connect", address, "--accept-new", "--ui", "jsonl", "--name", "bob") as bob:
            until(bob, type="you")
            until(server, type="joined")
            yield server, bob, address


def test_a_file_for_a_contact_is_offered_to_nobody_else_in_the_room(tmp_path: Path) -> None:
    """Everybody in the room of the contact was offered it, and could take it."""
    film = written(tmp_path / "film.mkv", 1000)
    with room(tmp_path, "--yes", "--name", "ann") as (server, bob, _):
        sender = Shell(tmp_path / "sender", "send", str(film), "--to", "@Alice")
        assert sender.ends()[0] == 0
        assert (server.folder / "film.mkv").read_bytes() == film.read_bytes()
        assert not files(until(bob, type="left"))


def test_a_contact_that_is_away_is_offered_nothing_nor_is_anybody_else(tmp_path: Path) -> None:
    with room(tmp_path, "--yes") as (server, bob, _):
        tell(server, type="command", command="join", args=["kitchen"])
        until(bob, type="left")
        sender = Shell(tmp_path / "sender", "send", str(written(tmp_path / "film.mkv", 1000)), "--to", "@alice")
        status, events, said = sender.ends()
        assert (status, files(events)) == (1, [])
        assert "No member here has the key of @alice. --to HOST[:PORT] offers it to everybody there." in said
        assert not files(until(bob, type="left"))


def test_a_contact_that_declines_one_file_still_gets_the_other(tmp_path: Path) -> None:
    """The sender waited for ever until another member took the first one."""
    films = [str(written(tmp_path / name, 1000)) for name in ("a", "b")]
    with room(tmp_path) as (server, _, _):
        sender = Shell(tmp_path / "sender", "send", *films, "--to", "@alice")
        first, second = (until(server, type="file", state="offered", name=name)[-1]["transfer"] for name in ("a", "b"))
        tell(server, type="command", command="decline", args=[first])
        tell(server, type="command", command="accept", args=[second])
        status, events, _ = sender.ends()
        assert status == 1
        assert (files(events)[-1]["name"], files(events)[-1]["state"]) == ("b", "done")
        assert (server.folder / "b").exists()


def test_one_who_declines_does_not_keep_a_file_from_the_others_in_a_room(tmp_path: Path) -> None:
    """The sender ended with the first answer, and the others could not take it."""
    with room(tmp_path) as (server, bob, address):
        sender = Shell(tmp_path / "sender", "send", str(written(tmp_path / "x", 1000)), "--to", address, "--accept-new")
        for shell, command in ((bob, "decline"), (server, "accept")):
            until(shell, type="file", state="offered")
            tell(shell, type="command", command=command)
        assert sender.ends()[0] == 0
        assert (server.folder / "x").exists()


def test_a_file_that_all_have_declined_is_waited_for_no_longer(tmp_path: Path) -> None:
    """The sender waited for ever: it heard that it had joined itself, and took itself for one who has not answered."""
    with room(tmp_path) as (server, bob, address):
        sender = Shell(tmp_path / "sender", "send", str(written(tmp_path / "x", 1000)), "--to", address, "--accept-new")
        for shell in (bob, server):
            until(shell, type="file", state="offered")
            tell(shell, type="command", command="decline")
        assert sender.ends()[0] == 1


def test_in_a_room_of_which_not_all_are_named_refusals_end_nothing() -> None:
    ui = SendUi(["x"], quiet=True)
    ui.show(You(id="1", time=now(), sender=Sender(name="me"), room="lobby", present=200, others=(Sender(name="erin"),)))
    ui.show(offer())
    ui.show(offer("declined", by="erin"))
    assert ui.pending == {"1"}


@pytest.fixture
def ui() -> SendUi:
    """Of a file that is offered to erin and frank."""
    ui = SendUi(["x"], quiet=True)
    ui.show(You(id="1", time=now(), sender=Sender(name="me"), room="lobby", others=(Sender(name="erin"), Sender(name="frank"))))
    ui.show(offer())
    return ui


def offer(state: str = "offered", by: str = "") -> File:
    made = File(id="2", time=now(), sender=Sender(name="me"), own=True, transfer="1", name="x", size=10, state="offered")
    return replace(made, own=False, sender=Sender(name=by), state=state) if by else made


@pytest.mark.parametrize(
    ("replies", "over"),
    [
        (["erin"], False),
        (["erin", "erin"], False),
        (["erin", "frank"], True),
        ([Left(id="3", time="", sender=Sender(name="frank"), reason="lost"), "erin"], True),
        ([Joined(id="3", time="", sender=Sender(name="gil")), "erin", "frank"], False),
        ([Joined(id="3", time="", sender=Sender(name="gil")), "erin", "frank", "gil"], True),
        ([Renamed(id="3", time="", sender=Sender(name="frank"), name="fred"), "erin", "fred"], True),
        (["erin", Renamed(id="3", time="", sender=Sender(name="erin"), name="eve"), "frank"], True),
        (["erin", Left(id="3", time="", sender=Sender(name="frank"), reason="lost")], True),
        ([Left(id="3", time="", sender=Sender(name="frank"), reason="lost")], False),
        ([Joined(id="3", time="", sender=Sender(name="me"), own=True), "erin", "frank"], True),
    ],
)
def test_an_offer_is_over_when_nobody_there_wants_it(ui: SendUi, replies: list[str | MemberEvent], over: bool) -> None:
    for one in replies:
        ui.show(offer("declined", by=one) if isinstance(one, str) else one)
    assert ui.pending == (set() if over else {"1"})
    assert ui.failed is over
