"""Text in rows for terminals of any width."""

import pytest
from programs import ENVIRONMENT, chat

from plytalk.cli.text_rows import columns, hanging


@pytest.mark.parametrize(("written", "width"), [("20", 20), ("40", 40), ("79", 79), ("200", 110), ("5", 20), ("0", 110)])
def test_rows_are_as_wide_as_the_terminal_within_limits(monkeypatch: pytest.MonkeyPatch, written: str, width: int) -> None:
    monkeypatch.setenv("COLUMNS", written)
    assert columns(110) == width


def test_what_hangs_is_indented_as_its_head_or_by_a_third(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert hanging("  tcp  ", "TCP over IPv4 and IPv6, as everywhere.", 110) == [
        "  tcp  TCP over IPv4 and IPv6, as",
        "       everywhere.",
    ]
    monkeypatch.setenv("COLUMNS", "20")
    assert hanging("  transport  tcp      ", "TCP over IPv4.", 110) == ["  transport  tcp", "      TCP over IPv4."]
    assert hanging("  tcp  ", "", 110) == ["  tcp"]


@pytest.mark.parametrize("width", [20, 40, 80])
@pytest.mark.parametrize(
    "command",
    [
        ("explain",),
        ("explain", "--cipher", "none"),
        ("plugins",),
        ("lab", "--stack", "demo01", "--attack", "eavesdrop", "--why"),
    ],
)
def test_commands_that_explain_fit_into_narrow_terminals(command: tuple[str, ...], width: int) -> None:
    run = chat(*command, environment={**ENVIRONMENT, "COLUMNS": str(width)})
    long = [row for row in run.stdout.splitlines() if len(row) > width and len(row.split()) > 1]
    assert run.stdout
    assert long == []
