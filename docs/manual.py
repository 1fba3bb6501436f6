"""The man pages in docs/man: what each command says with --help, written for man(7). docs/generate.py writes them."""

import tempfile
from collections.abc import Iterable, Iterator
from unittest.mock import patch

import click
from click.testing import CliRunner
from form import told_in

from plytalk.cli.main import chat
from plytalk.core.contracts import errors

ESCAPED = {"\\": "\\(rs", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
ALIAS = ".so man1/chat.1\n"
"""The page of `plytalk`, which is another name for `chat`."""


def pages(commands: Iterable[tuple[str, click.Command]]) -> dict[str, str]:
    """The text of each page by its file name, for commands with the lines that call them, such as `chat keys show`."""
    found = dict(commands)
    written = {f"{title(line)}.1": page(line, command, found) for line, command in found.items()}
    return written | {"plytalk.1": ALIAS}


def page(line: str, command: click.Command, lines: Iterable[str]) -> str:
    above = line.rpartition(" ")[0]
    related = [other for other in lines if other == above or other.rpartition(" ")[0] == line]
    head = [
        f'.TH {escaped(title(line).upper())} 1 "" plytalk "plytalk manual"',
        ".SH NAME",
        f"{escaped(title(line))} \\- {escaped(command.get_short_help_str(200).rstrip('.'))}",
    ]
    return "\n".join([*head, *help_of(line), ".SH EXIT STATUS", *statuses(), ".SH SEE ALSO", *references(related), ""])


def title(line: str) -> str:
    return line.replace(" ", "-")


def statuses() -> Iterator[str]:
    told = told_in(errors, "Exit")
    for one in errors.Exit:
        yield from (".TP", f".B {int(one)}", escaped(told[one.name].replace("`", "")))


def references(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield f".BR {escaped(title(line))} (1){',' if number < len(lines) else ''}"


def help_of(line: str) -> list[str]:
    """The sections that `--help` shows, in a home folder without settings."""
    with tempfile.TemporaryDirectory() as home, patch.object(click.Context, "formatter_class", Roff):
        arguments = [*line.split()[1:], "--help"]
        result = CliRunner().invoke(chat, arguments, prog_name="chat", env={"HOME": home}, catch_exceptions=False)
    return result.output.rstrip("\n").split("\n")


class Roff(click.HelpFormatter):
    """Writes man(7) where click would lay out lines for a terminal."""

    def __init__(self, **_: object) -> None:
        super().__init__(width=80)
        self.described = False

    def line(self, *parts: str) -> None:
        self.write("\n".join(parts) + "\n")

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        self.line(".SH SYNOPSIS", f".B {escaped(prog)}", escaped(args))

    def write_heading(self, heading: str) -> None:
        if heading in ("Options", "Commands"):
            self.line(f".SH {heading.upper()}")
        else:
            self.line(f".SS {escaped(heading)}")

    def write_paragraph(self) -> None:
        """Nothing: a macro says where the next paragraph begins."""

    def write_text(self, text: str) -> None:
        if not self.described:
            self.line(".SH DESCRIPTION")
            self.described = True
        for paragraph in text.split("\n\n"):
            if paragraph.startswith("\b"):
                self.write_verbatim(paragraph.split("\n")[1:])
            else:
                self.line(".PP", escaped(" ".join(paragraph.split())))

    def write_verbatim(self, lines: list[str]) -> None:
        if lines[0] in ("Example:", "Examples:"):
            self.line(".SH EXAMPLES")
            lines = lines[1:]
        self.line(".nf", *(escaped(line) for line in lines if line.strip()), ".fi")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        for term, text in rows:
            self.line(".TP", f".B {escaped(term)}", escaped(" ".join(text.split())))


def escaped(text: str) -> str:
    """A text as roff takes it: every character for itself, and no line is a request."""
    written = "".join(ESCAPED.get(each, each if each.isascii() else f"\\[u{ord(each):04X}]") for each in text)
    return f"\\&{written}" if written.startswith(".") else written
