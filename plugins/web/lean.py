"""The page's own files as a browser is sent them: without comments, indents, and blanks around signs. What they do is the same.

The files keep to a few habits, by which this can be told without a parser: a division has a blank on both sides, and a regular
expression none behind its first slash; literals of text do not contain one another; no text runs over several lines.
"""

import re

_SCRIPT = re.compile(
    r"""(?P<literal>"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|(?<=[(=:,?\[ ])/(?![/*\s])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n\[])+/)"""
    r"""|(?P<comment>/\*.*?\*/|//[^\n]*)|[ ]?(?P<signs>[=<>&|?:,;{}()\[\]*]+)[ ]?""",
    re.DOTALL,
)
_STYLE = re.compile(r"[ ]?(?P<signs>[{};,]|:(?=[ ]))[ ]?")
_QUOTED = re.compile(r'="([\w-]+)"')
_BLANK_LINES = re.compile(r"\s*\n\s*")


def lean_script(text: str) -> str:
    """A script: JavaScript."""
    return lean(_SCRIPT.sub(lambda found: found["literal"] or found["signs"] or "", text))


def lean_style(text: str) -> str:
    """A style sheet: CSS."""
    return lean(_STYLE.sub(lambda found: found["signs"], text))


def lean_markup(text: str) -> str:
    """A page: HTML, in which no text between elements looks like an attribute."""
    return lean(_QUOTED.sub(r"=\1", text))


def lean(text: str) -> str:
    """Lines without indents, and none that is empty."""
    return _BLANK_LINES.sub("\n", text).lstrip()
