"""Describes the bytes of an item about a file, for a trace."""

import json
from collections.abc import Iterator

from plytalk.core.contracts.spans import FILES, Reader, Span
from plytalk.plugins.files.file_items import FileFailure, FileKind

PROOF = "the hash tree of the file"


def file_item(body: bytes) -> Iterator[Span]:
    """Return the spans of an item's body. If the body is cut off, so is the last span."""
    reader = Reader(body)
    kind, number = reader.number("kind", ">B", "what is said about a file")
    names = {int(one): one.name.lower() for one in FileKind}
    yield kind._replace(value=f"{number} {names.get(number, 'unknown')}")
    yield reader.number("stream", ">I", "chosen by the side that wants the file; 0 for what is not in a stream")[0]
    if number == FileKind.SAY:
        yield reader.text(f"JSON object `{does(body[reader.at :])}`", reader.left, FILES)
    elif number == FileKind.OPEN:
        yield reader.number("offer", ">I", "the number of the offer")[0]
        yield reader.number("first byte", ">Q", "how many bytes of it are there already")[0]
        yield reader.number("credit", ">I", "how many bytes may come")[0]
    elif number == FileKind.CREDIT:
        yield reader.number("credit", ">I", "how many bytes more may come")[0]
    elif number == FileKind.PROOF:
        yield reader.number("block", ">I", "the number of a block of 1,024 chunks")[0]
        yield reader.rest("hashes", made_of=PROOF)
    elif number == FileKind.DATA:
        yield reader.rest("data", made_of=FILES)
    elif number == FileKind.END and reader.left:
        yield reader.number("size", ">Q", "how many bytes the stream had")[0]
        yield reader.rest("root", made_of=PROOF)
    elif number == FileKind.FAIL:
        why, reason = reader.number("reason", ">B", "why nothing more comes")
        reasons = {int(one): one.name.lower().replace("_", " ") for one in FileFailure}
        yield why._replace(value=f"{reason} {reasons.get(reason, 'unknown')}")
    yield reader.rest("too much")


def does(text: bytes) -> str:
    """Return what a JSON object says it is."""
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(said.get("do", "")) if isinstance(said, dict) else ""
