"""Tab."""

import pytest

from plytalk.plugins.chat_screen.local_commands import HELP
from plytalk.plugins.chat_screen.word_completion import Tab, Vocabulary, completions
from plytalk.plugins.files.file_words import AT_THE_SERVER
from plytalk.plugins.rooms.room_commands import COMMANDS

WORDS = Vocabulary(["alice", "alicia", "Bob Smith", "carol"], ["lobby", "kitchen"])


@pytest.mark.parametrize(
    ("before", "start", "found"),
    [
        ("/k", 0, ["/keep ", "/kick "]),
        ("/xyz", 0, []),
        ("/help ki", 6, ["kick "]),
        ("/help /ki", 6, ["kick "]),
        ("/join k", 6, ["kitchen "]),
        ("/msg AL", 5, ["alice ", "alicia "]),
        ("/msg bo", 5, ['"Bob Smith" ']),
        ('/msg "bo', 5, ['"Bob Smith" ']),
        ("/msg carol al", 11, ["alice ", "alicia "]),
        ("/me hugs ca", 9, ["carol "]),
        ("car", 0, ["carol: "]),
        ("@car", 0, ["@carol "]),
        ("hey ca", 4, ["carol "]),
        ("hey @ca", 4, ["@carol "]),
        ("hey ", 4, []),
        ("", 0, []),
    ],
)
def test_what_can_stand_there(before: str, start: int, found: list[str]) -> None:
    assert completions(before, WORDS) == (start, found)


def test_every_command_is_completed() -> None:
    names = {command.name for command in (*COMMANDS, *AT_THE_SERVER)} | set(HELP)
    assert completions("/", WORDS)[1] == [f"/{name} " for name in sorted(names)]


def test_one_candidate_is_put_in_at_once() -> None:
    assert Tab(WORDS).press("/msg car") == "/msg carol "


def test_several_begin_with_what_they_have_in_common_and_then_take_turns() -> None:
    tab = Tab(WORDS)
    line = tab.press("hello al")
    assert line == "hello alic"
    assert tab.hint(line) == "alice  alicia"
    lines = [line := tab.press(line) for _ in range(3)]
    assert lines == ["hello alice ", "hello alicia ", "hello alice "]
    assert tab.press(line, -1) == "hello alicia "
    assert tab.hint("hello alicia and") == ""


def test_typing_on_begins_another_completion() -> None:
    tab = Tab(WORDS)
    assert tab.press("al") == "alic"
    assert tab.press("alici") == "alicia: "
    assert tab.press("nobody") == "nobody"
