"""The examples in the pages are run: on real terminals, over real sockets, in a fresh environment."""

import re
import socket
import sys
from pathlib import Path

import pytest
from fresh import Fresh

pytest.importorskip("pexpect", reason="terminals need a system that has them", exc_type=ImportError)
from terminals import play

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
GENERATED = re.compile(r"<!-- begin .*?<!-- end -->", re.S)  # held to the program by test_generate.py
BLOCK = re.compile(r'^```console(?: title="(?P<title>[^"]*)")?\n(?P<text>.*?)^```$', re.M | re.S)
# Not run here: the tests themselves, and what only somebody who publishes a plugin does.
SHELL = {
    "./run chat demo",
    "./run pytest",
    "python -m build plytalk-cipher-mine",
    "./run python -m build --wheel",  # tests/test_packaging.py builds the wheel and installs it
    "pip install plytalk-VERSION-py3-none-any.whl",
}


def scenes_of(text: str) -> list[list[tuple[str, list[str]]]]:
    """The console blocks of a page; titled ones of a section play side by side, until a title comes again."""
    scenes: list[list[tuple[str, list[str]]]] = []
    titles: set[str] = set()
    text, after = GENERATED.sub("", text), 0
    for block in BLOCK.finditer(text):
        title, lines = block["title"] or "", block["text"].splitlines()
        if "\n#" in text[after : block.start()]:
            titles.clear()
        after = block.end()
        if title and titles and title not in titles:
            scenes[-1].append((title, lines))
        else:
            scenes.append([(title, lines)])
            titles.clear()
        titles |= {title} - {""}
    return scenes


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


WITH_EXAMPLES = [page for page in PAGES if scenes_of(page.read_text())]


@pytest.mark.skipif(sys.platform == "win32", reason="terminals are played on systems that have pseudo-terminals")
@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=[str(page.relative_to(PROJECT)) for page in WITH_EXAMPLES])
def test_the_examples_do_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    fresh = Fresh(tmp_path)
    coloured = {name: value for name, value in fresh.environment.items() if name != "NO_COLOR"}
    environment = coloured | {"PLYTALK_PORT": str(free_port()), "COLUMNS": "100", "TERM": "xterm"}
    for scene in scenes_of(page.read_text()):
        played = []
        for title, lines in scene:
            home = fresh.home / title if title.endswith("machine") else fresh.home
            home.mkdir(exist_ok=True)
            played.append((environment | {"HOME": str(home)}, [line.replace("$ ./run ", "$ ", 1) for line in lines]))
        play(played, fresh.home)


def test_the_pages_have_examples() -> None:
    names = [page.name for page in WITH_EXAMPLES]
    assert {"README.md", "tutorial.md", "howto-plugin.md"} <= set(names)


def test_a_shell_block_holds_nothing_that_is_run_nowhere() -> None:
    for page in PAGES:
        if page.name == "CONTRIBUTING.md":
            continue
        for block in re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.M | re.S):
            commands = {line.split("#")[0].strip() for line in block.splitlines()}
            assert commands <= SHELL, page


TRANSCRIPT = ["$ printf 'one\\ntwo\\n'", "one", "two"]


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (TRANSCRIPT, None),
        (["$ printf 'one\\ntwo\\n'", "...", "two"], None),
        (["$ printf 'one\\ntwo\\n'", "o...", "..."], None),
        (["$ printf 'one\\ntwo\\n'", "two"], "Instead of 'two'"),
        (["$ printf 'one\\ntwo\\n'", "one"], "shows more"),
        (["$ printf 'one\\ntwo\\n'", "...", "three"], "ended without 'three'"),
        (["$ exit 3"], "status 3"),
        (["$ exit 3", "$ echo $?", "3"], None),
        (["$ exit 3", "$ echo $?", "4"], "status is 3"),
        (["$ printf 'Type Message: '; read -r x; echo \"$x!\"", "Type Message: hello", "hello!"], None),
    ],
)
def test_a_transcript_that_differs_from_what_happens_fails(lines: list[str], complaint: str | None, tmp_path: Path) -> None:
    if complaint is None:
        play([(Fresh(tmp_path).environment, lines)], tmp_path)
        return
    with pytest.raises(AssertionError, match=complaint):
        play([(Fresh(tmp_path).environment, lines)], tmp_path)
