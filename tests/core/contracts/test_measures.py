"""Figures, and the text in which they leave the program: read back by Prometheus' own parser."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from plytalk.core.contracts.measures import Measure, exposition
from plytalk.core.contracts.sanitise import clean

HELP = "People who are here."


def read(*measures: Measure) -> dict[str, tuple[str, str, list[tuple[dict[str, str], float]]]]:
    """What Prometheus makes of them: by name the kind, the help, and the values with their labels."""
    families = text_string_to_metric_families(exposition(measures))
    return {one.name: (one.type, one.documentation, [(its.labels, its.value) for its in one.samples]) for one in families}


def test_a_figure_with_its_help_and_kind() -> None:
    assert exposition([Measure("plytalk_members", HELP, 3)]) == (
        "# HELP plytalk_members People who are here.\n# TYPE plytalk_members gauge\nplytalk_members 3\n"
    )


def test_nothing_is_nothing() -> None:
    assert exposition([]) == ""


def test_several_of_one_name_stand_together_under_one_head() -> None:
    found = read(
        Measure("plytalk_members", HELP, 3, labels={"room": "tea"}),
        Measure("plytalk_messages_total", "Messages.", 9, "counter"),
        Measure("plytalk_members", HELP, 4, labels={"room": "coffee"}),
    )
    assert found == {
        "plytalk_members": ("gauge", HELP, [({"room": "tea"}, 3), ({"room": "coffee"}, 4)]),
        "plytalk_messages": ("counter", "Messages.", [({}, 9)]),
    }


def test_of_two_that_exclude_each_other_the_first_counts() -> None:
    labels = {"b": "2", "a": "1"}
    found = read(
        Measure("plytalk_members", HELP, 1, labels=labels),
        Measure("plytalk_members", "Another help.", 2, labels=dict(sorted(labels.items()))),
    )
    assert found == {"plytalk_members": ("gauge", HELP, [(labels, 1)])}


@pytest.mark.parametrize("value", [0, -1, 12345678901234567890, 0.1, 1e-9, 1e300, math.inf, -math.inf])
def test_numbers_come_back_as_they_are(value: float) -> None:
    [(_, came)] = read(Measure("plytalk_x", HELP, value))["plytalk_x"][2]
    assert came == value


def test_what_is_no_number_comes_back_as_none() -> None:
    [(_, came)] = read(Measure("plytalk_x", HELP, math.nan))["plytalk_x"][2]
    assert math.isnan(came)


@given(st.text(st.characters(codec=None)))
def test_any_text_as_a_label_or_help_is_one_line_and_harmless(text: str) -> None:
    shown = exposition([Measure("plytalk_x", text, 1, labels={"room": text})])
    assert shown.count("\n") == 3
    assert clean(shown.replace("\n", "")) == shown.replace("\n", "")
    [family] = text_string_to_metric_families(shown)
    assert family.samples[0].labels == {"room": clean(text)}
    assert family.documentation.strip() == clean(text).strip()


@pytest.mark.parametrize(
    ("name", "labels"), [("", {}), ("a b", {}), ("1a", {}), ("a\n", {}), ("a-b", {}), ("a", {"b c": ""}), ("a", {"__name__": ""})]
)
def test_a_name_that_prometheus_does_not_take_is_refused(name: str, labels: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="no name for a measure"):
        Measure(name, HELP, 1, labels=labels)


@pytest.mark.parametrize(("name", "kind"), [("plytalk_x_total", "gauge"), ("plytalk_x", "counter")])
def test_the_name_says_whether_it_counts(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match="_total"):
        Measure(name, HELP, 1, kind)  # type: ignore[arg-type]
