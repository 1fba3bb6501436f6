"""The JSON Schema of what `--ui jsonl` writes and reads, made of the classes themselves."""

from typing import Any, get_args

import msgspec

from plytalk.core.contracts.events import SCHEMA_VERSION, TYPES
from plytalk.plugins.uis.jsonl import Order

ORDERS = get_args(Order)


def schema() -> dict[str, Any]:
    """A schema that every line of output keeps; `$defs/input` is that of a line of input (JSON Schema 2020-12)."""
    refs, definitions = msgspec.json.schema_components((*TYPES, *ORDERS), ref_template="#/$defs/{name}")
    outputs = len(TYPES)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:plytalk:events:{SCHEMA_VERSION}",
        "title": "Events of plytalk, one JSON object per line",
        "version": SCHEMA_VERSION,
        "oneOf": list(refs[:outputs]),
        "$defs": {**definitions, "input": {"oneOf": list(refs[outputs:])}},
    }


def as_text() -> str:
    """The schema as the docs and the package contain it."""
    return msgspec.json.format(msgspec.json.encode(schema()), indent=2).decode() + "\n"
