"""The JSON Schema of events: published, shipped, and kept by whatever is printed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import plytalk
from plytalk.cli.event_schema import ORDERS, as_text, schema
from plytalk.core.contracts.events import SCHEMA_VERSION, TYPES, Sender

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "file", [ROOT / "docs/reference/events.schema.json", Path(plytalk.__file__).parent / "plugins/uis/events.schema.json"]
)
def test_it_is_in_the_docs_and_in_the_package(file: Path) -> None:
    assert file.read_text() == as_text()


def test_it_has_a_version_and_names_every_type_once() -> None:
    made = schema()
    assert (made["version"], made["$id"]) == (SCHEMA_VERSION, f"urn:plytalk:events:{SCHEMA_VERSION}")
    names = [ref["$ref"].rpartition("/")[2] for ref in made["oneOf"]]
    assert names == [one.__name__ for one in TYPES]
    tags = [made["$defs"][name]["properties"]["type"]["enum"] for name in names]
    assert tags == [[one.__struct_config__.tag] for one in TYPES]
    assert len(made["$defs"]["input"]["oneOf"]) == len(ORDERS)


@pytest.mark.parametrize("tag", ["message", "command", "typing", "read", "exit"])
def test_every_line_that_may_be_written_to_it_is_in_it(tag: str) -> None:
    made = schema()["$defs"]
    inputs = [made[ref["$ref"].rpartition("/")[2]] for ref in made["input"]["oneOf"]]
    assert [tag] in [one["properties"]["type"]["enum"] for one in inputs]


def test_every_field_of_an_event_is_in_it() -> None:
    made = schema()["$defs"]
    for one in (*TYPES, Sender, *ORDERS):
        assert set(made[one.__name__]["properties"]) - {"type"} == set(one.__struct_fields__)


def test_times_are_in_utc_as_rfc_3339_has_them() -> None:
    from plytalk.plugins.uis.jsonl import as_line

    (message,) = [one for one in TYPES if one.__name__ == "Message"]
    time = datetime(2026, 11, 29, 10, 12, 11, 42000, UTC)
    written = json.loads(as_line(message(id="lobby/41", time=time, sender=Sender(name="erin"), room="lobby", text="hello")))
    assert written["time"] == "2026-11-29T10:12:11.042000Z"
    assert msgspec.convert(written, message).time == time
