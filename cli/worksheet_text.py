"""A worksheet of the lab book on a terminal: its Markdown as rows of text that no terminal breaks within a word."""

import re
import textwrap
from collections.abc import Iterator

from plytalk.cli.main import paint
from plytalk.cli.text_rows import columns

WIDEST = 100
FENCED = re.compile(r"^```\w*[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def worksheet_rows(markdown: str) -> Iterator[str]:
    """Paragraphs are wrapped; code keeps its lines, indented by four spaces."""
    for number, part in enumerate(FENCED.split(markdown)):
        if number % 2:
            yield from (textwrap.indent(part.rstrip(), "    "), "")
        else:
            for paragraph in re.split(r"\n\s*\n", part.strip("\n")):
                yield from paragraph_rows(paragraph)


def paragraph_rows(paragraph: str) -> Iterator[str]:
    if paragraph.startswith("    "):
        yield paragraph
    elif heading := re.fullmatch(r"#+ (.*)", paragraph):
        yield paint(heading[1], "1", 1)
    elif paragraph:
        yield from textwrap.wrap(plain(paragraph), columns(WIDEST), break_on_hyphens=False, break_long_words=False)
    yield ""


def plain(text: str) -> str:
    """Without the marks of Markdown; backquotes stay, since they show where a command begins and ends."""
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)
    return re.sub(r"\*\*([^*]+)\*\*", r"\1", re.sub(r"(?<!\*)\*([^*]+)\*(?!\*)", r"\1", text))
