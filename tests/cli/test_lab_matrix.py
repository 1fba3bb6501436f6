"""The matrix in each form: one word for each outcome, one letter on a terminal, and 80 columns."""

import json
from pathlib import Path

import pytest
from browser import browser

from plytalk.cli.lab_matrix import COLUMNS, CONTROL, LEGEND, LETTERS, as_html, as_json, as_markdown, as_table, style
from plytalk.cli.lab_story import as_story
from plytalk.core.contracts.attack import Outcome, Target
from plytalk.core.registry.registry import Registry
from plytalk.lab.attacks.matrix import Cell
from plytalk.lab.attacks.run import Passive
from plytalk.lab.attacks.scenario import scenarios


def cell_of(measured: Outcome, predicted: Outcome = Outcome.HELD, attack: str = "a", stack: str = "s") -> Cell:
    return Cell(attack, stack, 0, predicted, measured, target=Target.ORDER)


def control(measured: Outcome) -> Cell:
    return Cell(Passive.name, "s", 0, Outcome.HELD, measured)


def test_the_four_outcomes_have_one_word_each_everywhere() -> None:
    assert [str(outcome) for outcome in Outcome] == ["held", "broken", "not applicable", "error"]
    for cell in map(cell_of, Outcome):
        assert f"| a | {cell.measured} |" in as_markdown([cell])
        assert f">{cell.measured}</td>" in as_html([cell])
        assert f"measured {cell.measured}" in as_story([cell])
        assert json.loads(as_json([cell]))[0]["measured"] == cell.measured
    for outcome in Outcome:
        assert outcome in LEGEND


def test_on_a_terminal_a_cell_is_a_letter_and_a_mark_where_the_prediction_was_wrong() -> None:
    rows = [as_table([cell_of(outcome)]).splitlines()[4].split() for outcome in Outcome]
    assert rows == [["a", "h"], ["a", "B!"], ["a", "-!"], ["a", "E!"]]
    assert as_table([cell_of(Outcome.BROKEN, Outcome.BROKEN)]).splitlines()[4].split() == ["a", "B"]
    for letter in LETTERS.values():
        assert f"{letter}  " in LEGEND


def test_rows_are_grouped_by_what_is_attacked_behind_the_control() -> None:
    read = Cell("eavesdrop", "s", 0, Outcome.HELD, Outcome.HELD, target=Target.SECRECY)
    lines = as_table([cell_of(Outcome.HELD), read, control(Outcome.HELD)]).splitlines()
    assert [line.strip() for line in lines[3:9:2]] == [CONTROL, Target.SECRECY, Target.ORDER]


def test_the_whole_matrix_fits_80_columns_however_many_stacks_there_are() -> None:
    attacks = [Registry().attack(name) for name in Registry().names("attack")]
    stacks = [scenario.name for scenario in scenarios(Registry())] + [f"--cipher mine{number}" for number in range(40)]
    cells = [
        Cell(attack.name, stack, 0, Outcome.HELD, Outcome.BROKEN, target=attack.target) for attack in attacks for stack in stacks
    ]
    lines = as_table(cells).splitlines()
    assert max(map(len, lines)) <= 80
    heads = [line.split() for line in lines if line.startswith(" " * 23)]
    assert [len(head) for head in heads] == [COLUMNS, COLUMNS, len(stacks) - 2 * COLUMNS]
    listed = [line.split(maxsplit=1) for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert [name for letter, name in listed if name in stacks] == stacks


def test_the_control_has_no_colour_unless_it_went_wrong() -> None:
    good, bad = control(Outcome.HELD), control(Outcome.BROKEN)
    assert (style(good), style(bad)) == ("", "BROKEN")
    assert '<td class=" True">held</td>' in as_html([good])


def test_the_worst_of_several_seeds_is_shown() -> None:
    cells = [cell_of(Outcome.HELD), cell_of(Outcome.BROKEN), cell_of(Outcome.HELD)]
    assert "B!" in as_table(cells)


SCROLLED = """
const table = document.querySelector("div"), names = () => ["tr:first-child > th:nth-child(2)", "tr:last-child > th"].map((one) =>
  document.querySelector(one).getBoundingClientRect()).map(({ left, top }) => [left, top]);
const before = names();
table.scrollTo(300, 200);
const [[stack, attack], after] = [before, names()];
return { moved: [table.scrollLeft, table.scrollTop], stack: after[0][1] - stack[1], attack: after[1][0] - attack[0] };
"""


@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_a_phone_and_keeps_the_names_in_sight(dark: bool, tmp_path: Path) -> None:
    stacks = ["demo01", "<script>document.title = 'owned'</script>", "--suite XXhfs_25519+MLKEM768_ChaChaPoly", "a", "b"]
    cells = [cell_of(Outcome.BROKEN, attack=f"attack-{number}", stack=stack) for number in range(40) for stack in stacks]
    (tmp_path / "lab.html").write_text(as_html(cells))
    with browser(390, 844, dark=dark) as driver:
        driver.get((tmp_path / "lab.html").as_uri())
        assert driver.title == "Attacks and stacks"
        assert driver.execute_script("return document.documentElement.scrollWidth") == 390  # type: ignore[no-untyped-call]
        assert driver.execute_script(SCROLLED) == {"moved": [300, 200], "stack": 0, "attack": 0}  # type: ignore[no-untyped-call]
        ground = driver.execute_script("return getComputedStyle(document.body).backgroundColor")  # type: ignore[no-untyped-call]
        assert ground == ("rgb(21, 23, 28)" if dark else "rgb(255, 255, 255)")
        assert '<meta name="viewport"' in driver.page_source
