"""`chat page`: the page as one file."""

import re
from pathlib import Path

from people import terminal
from programs import chat

from plytalk.plugins.web.page_files import single_file


def test_it_writes_the_page_and_says_how_large_it_is() -> None:
    run = chat("page")
    assert run.stdout == single_file()
    said = re.search(r"^Wrote a page of ([\d,]+) bytes \(([\d,]+) compressed\)\.", run.stderr)
    assert said
    assert int(said[1].replace(",", "")) == len(run.stdout.encode())
    assert run.returncode == 0


def test_on_a_terminal_it_says_what_to_type_instead(tmp_path: Path) -> None:
    with terminal(tmp_path, "page") as screen:
        screen.expect("chat page > chat.html")
        screen.expect(r"$")
        assert "<html" not in screen.before
        screen.wait()
        assert screen.exitstatus == 2
