"""Lines to a guest and from it, with a terminal and without one."""

from plytalk.plugins.ssh.guest_terminal import LONGEST_PIPED, TOO_LONG, GuestTerminal

LEFT = "LEFT"


def made() -> tuple[GuestTerminal, list[str], list[str]]:
    lines: list[str] = []
    shown: list[str] = []
    return GuestTerminal(lines.append, lambda: lines.append(LEFT), shown.append), lines, shown


def test_without_a_terminal_lines_come_as_they_are() -> None:
    terminal, lines, shown = made()
    for piece in ("one\r\ntw", "o\n\nthr", "ee"):
        terminal.hear(piece)
    assert lines == ["one", "two", ""]
    terminal.end()
    assert lines[3:] == ["three", LEFT]
    terminal.show(["bob: hello", "ann: hi"])
    terminal.resize(100)
    assert shown == ["bob: hello\nann: hi\n"]
    assert terminal.leave_row() == ""


def test_a_line_that_is_too_long_is_left_out_and_said() -> None:
    terminal, lines, shown = made()
    for _ in range(50):
        terminal.hear("x" * LONGEST_PIPED)
        assert len(terminal._half) <= LONGEST_PIPED
    terminal.hear("\nshort\n" + "y" * (LONGEST_PIPED + 1) + "\nagain\n")
    assert lines == ["short", "again"]
    assert shown == [f"{TOO_LONG}\n"] * 2


def test_with_a_terminal_the_row_is_below_all_that_is_shown() -> None:
    terminal, lines, shown = made()
    terminal.edit("xterm", 80)
    terminal.show(["* You are bob"])
    assert shown.pop() == "\r\x1b[K* You are bob\r\n> "
    terminal.hear("hal")
    terminal.show(["ann: hi"])
    assert shown.pop() == "\r\x1b[Kann: hi\r\n> hal"
    terminal.resize(40)
    assert shown.pop() == "\r\x1b[K> hal"
    terminal.hear("f\r\x04")
    assert lines == ["half", LEFT]
    assert terminal.leave_row() == "\r\x1b[K"


def test_a_dumb_terminal_gets_no_escapes() -> None:
    terminal, _, shown = made()
    terminal.edit("dumb", 0)
    terminal.hear("hel")
    terminal.show(["ann: hi"])
    assert "\x1b" not in "".join(shown)


def test_nothing_that_is_shown_controls_the_terminal() -> None:
    terminal, _, shown = made()
    terminal.show(["bob: \x1b[2J\x9b31m\r\n\u202e"])
    assert not set("".join(shown)) & set("\x1b\x9b\r\u202e")
    assert "".join(shown).count("\n") == 1
    terminal.show([])
    assert len(shown) == 1


def test_one_that_does_not_read_is_shown_nothing_of_what_it_does_until_it_reads() -> None:
    """Each change of the window's size drew the row again, and what was drawn took memory without end."""
    terminal, lines, shown = made()
    terminal.edit("xterm", 1000)
    terminal.hear("\N{SNOWMAN}" * 900)
    terminal.hold(True)
    before = len(shown)
    for _ in range(100):
        terminal.resize(1000)
    terminal.hear("!\r")
    assert lines == ["\N{SNOWMAN}" * 900 + "!"]
    assert len(shown) == before
    terminal.show(["* what others say goes out all the same"])
    assert len(shown) == before + 1
    terminal.hold(False)
    assert shown[before + 1 :] == ["\r\x1b[K> "]
