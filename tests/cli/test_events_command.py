"""`chat events`."""

from programs import chat

from plytalk.cli.event_schema import as_text
from plytalk.core.contracts.events import TYPES


def test_it_lists_every_type() -> None:
    printed = chat("events").stdout
    for one in TYPES:
        assert f"  {one.__struct_config__.tag} " in printed
    assert "  command " in printed


def test_it_prints_the_schema() -> None:
    assert chat("events", "--schema").stdout == as_text()


def test_a_stack_without_names_refuses_one_before_it_connects() -> None:
    for option in ("--name", "--room"):
        refused = chat("connect", "127.0.0.1:1", "--profile", "secure-chat", option, "erin")
        assert refused.returncode == 2
        assert "This stack has no names and no rooms" in refused.stderr
        assert f"Leave out {option}" in refused.stderr
