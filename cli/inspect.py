"""`chat inspect`: step through a recorded conversation, layer by layer."""

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import click

from plytalk.cli.main import paint
from plytalk.cli.parameters import FILE
from plytalk.cli.stepper import ARROWS, Stepper
from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.spans import Span
from plytalk.core.io.display import is_dumb
from plytalk.core.io.standard_streams import tell
from plytalk.core.pipeline.tracing import TraceEvent
from plytalk.lab.inspect.capture import capture
from plytalk.lab.inspect.dissector import dissector
from plytalk.lab.inspect.frames import InspectedFrame, inspect_frames
from plytalk.lab.inspect.live_trace import LiveTrace
from plytalk.lab.inspect.page import page
from plytalk.lab.inspect.trace_file import read
from plytalk.trust import files
from plytalk.trust.store_errors import StoreError

EXAMPLES = """\b
Examples:
  chat connect 127.0.0.1 --trace talk.trace     record a conversation
  chat inspect talk.trace                       step through it, layer by layer
  chat inspect talk.trace --html talk.html      as a page for a projector
  chat inspect talk.trace --pcapng talk.pcapng  as a capture for a network analyser
  chat inspect talk.trace --wireshark talk      for Wireshark, with names
  chat inspect talk.trace --live                follow a conversation while it goes on
"""
COLOURS = {
    "messages": "31",
    "cipher": "32",
    "handshake": "35",
    "framer": "34",
    "transport": "36",
    "wire": "36",
    "keys": "33",
    "schedule": "33",
}
PER_LINE, MAX_LINES, INDENT = 16, 3, 15
EASY = 8
"""Up to how many bytes a part is shown by its value alone."""
LONGEST = 200
VERSION = "_version"
"""How the names of facts end that say where a layer comes from."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@click.command(epilog=EXAMPLES)
@click.argument("trace", type=FILE, metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Print the frames as a list of objects.")
@click.option("--text", is_flag=True, help="Print the frames as text, also on a terminal.")
@click.option("--html", type=FILE, metavar="OUT", help="Write a self-contained page.")
@click.option("--pcapng", type=FILE, metavar="OUT", help="Write a capture file with TCP streams.")
@click.option("--wireshark", type=FILE, metavar="DIR", help="Write a dissector, its key log and a capture for Wireshark.")
@click.option("--live", is_flag=True, help="Follow a conversation while it goes on, until it ends.")
def inspect(
    trace: Path, as_json: bool, text: bool, html: Path | None, pcapng: Path | None, wireshark: Path | None, live: bool
) -> None:
    """Step through a recorded conversation, layer by layer.

    In a pipe, or with --text, it is printed.

    --wireshark DIR writes conversation.pcapng and plytalk.lua, which names its bytes. That script dissects frames and handshakes.
    It does not decrypt: it reads the plaintexts from plytalk.keys.
    """
    if live:
        if as_json or html or pcapng or wireshark:
            raise Usage(
                "--live shows a conversation that is going on.", "Leave out --json, --html and --pcapng until it is over."
            )
        follow_live(trace, text)
        return
    events = read(trace)
    frames = inspect_frames(events)
    if html:
        write(html, page(frames, f"A conversation, layer by layer: {trace.name}").encode())
    if pcapng:
        write(pcapng, capture(events))
    if wireshark:
        write_dissector(wireshark, events, frames)
    if as_json:
        print_json(frames)
    elif not (html or pcapng or wireshark):
        if not frames:
            tell(f"{trace} is an empty trace: it ended before anything was recorded.")
        elif not text and can_step():
            from plytalk.cli.inspect_screen import show

            show(Stepper(frames, clean(trace.name), details))
        else:
            for frame in frames:
                print("\n".join(lines(frame)))


def can_step() -> bool:
    """Whether there is a terminal on both sides, which can be drawn on."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)) and not is_dumb()


def details(frame: InspectedFrame, event: TraceEvent) -> Iterator[str]:
    """The lines for one layer of a frame, without colour."""
    if event.layer == "session":
        yield f"    {clean(event.data.decode(errors='replace'))}"
        for name, value in event.fields.items():
            if not name.endswith(VERSION):
                version = event.fields.get(f"{name}{VERSION}")
                yield f"    {clean(name):<10} {clean(value)}{f' ({clean(version)})' if version else ''}"
    else:
        yield from (COLOUR.sub("", line) for line in layer(event, frame.plugin_of(event)))


def write(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all, and say so; it is its owner's alone, as the trace is. Raises Usage."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a device, which nothing can take the place of
            path.write_bytes(content)
        else:
            files.write(path, content, limit=None)
    except OSError as error:
        raise Usage(f"{path} cannot be written: {error.strerror}.", "Name another file.") from None
    except StoreError as error:
        raise Usage(str(error), error.hint) from None
    tell(f"Wrote {path}.")


def print_json(frames: Sequence[InspectedFrame]) -> None:
    """Print the frames as a list of objects, one after the other: of a long trace all at once would fill the memory."""
    print("[", end="")
    for number, frame in enumerate(frames):
        print(",\n" if number else "\n", json.dumps(frame.as_json(), indent=1), sep="", end="")
    print("\n]")


def write_dissector(folder: Path, events: Sequence[TraceEvent], frames: Sequence[InspectedFrame]) -> None:
    """Write what Wireshark needs into a folder, which is made where there is none. Raises Usage."""
    script, keys = dissector(frames)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Usage(f"{folder} cannot be made: {error.strerror}.", "Name another folder.") from None
    write(folder / "plytalk.lua", script.encode())
    write(folder / "plytalk.keys", keys.encode())
    write(folder / "conversation.pcapng", capture(events))
    tell(f"To open them: wireshark -X lua_script:{folder / 'plytalk.lua'} {folder / 'conversation.pcapng'}")


def follow_live(trace: Path, text: bool) -> None:
    """Show frames as they come: on a terminal in the screen that steps, else as text until it is over. Raises Usage."""
    with closing(LiveTrace(trace)) as live:
        if not text and can_step():
            from plytalk.cli.inspect_screen import show

            show(Stepper([], clean(trace.name), details, live=True), live)
            return
        for frame in live.frames():
            print("\n".join(lines(frame)), flush=True)


def lines(frame: InspectedFrame) -> Iterator[str]:
    """A frame for a terminal."""
    head = f"{frame.time * 1000:10.1f} ms  " + (f"{clean(frame.group)}  " if frame.group else "")
    if frame.way:
        yield paint(f"{head}{ARROWS[frame.way]} {clean(frame.name)}", "1", 1)
        above = b""
        for event in frame.layers:
            yield from layer(event, frame.plugin_of(event), above)
            above = event.data
        if frame.readable is not None:
            yield verdict(frame.readable, frame.keeps_secrets)
        return
    event = frame.layers[0]
    if event.layer in ("keys", "schedule"):
        yield paint(f"{head}{clean(frame.name)}", "1", 1)
        yield from layer(event, "")
        return
    said = clean(event.data.decode(errors="replace"))
    about = "  ".join(f"{clean(name)} {clean(value)}" for name, value in event.fields.items() if not name.endswith(VERSION))
    yield paint(f"{head}{clean(frame.name)}{': ' if said else ''}{said}  {about}".rstrip(), "1", 1)


def layer(event: TraceEvent, plugin: str, above: bytes = b"") -> Iterator[str]:
    """What one layer, here the plugin of that name, made of a frame: the name, value and bytes of each part, but for those that
    are the layer's above.
    """
    made = f"    {event.layer:<9} {clean(plugin):<17} {len(event.data)} bytes"
    yield paint(made, COLOURS[event.layer], 1)
    for span in event.spans or [Span("bytes", 0, len(event.data))]:
        data = event.data[span.start : span.end]
        yield from part(span, b"" if data == above else data)


def part(span: Span, data: bytes) -> Iterator[str]:
    """A span: where it begins, its size, its name and value, what it was made of, and its bytes."""
    says = f" = {shortened(clean(span.value))}" if span.value else ""
    yield f"    {span.start:>4} +{span.size:<4} {clean(span.name) or '(not described)'}{says}"
    if span.made_of:
        yield paint(f"{'':{INDENT}}from: {clean(span.made_of)}", "2", 1)
    if not span.value or span.size > EASY:
        yield from dump(data)


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def verdict(readable: bool, keeps_secrets: bool) -> str:
    if readable:
        return paint("    -> an eavesdropper reads it as it was typed", "31", 1)
    if not keeps_secrets:
        return paint("    -> an eavesdropper can find out what it says: this stack keeps nothing secret", "31", 1)
    return paint("    -> an eavesdropper sees only these bytes", "32", 1)


def dump(data: bytes) -> Iterator[str]:
    """Bytes in hexadecimal and as text; the end of long ones is left out, and so are zeros alone."""
    if not any(data):
        return
    rows = [data[at : at + PER_LINE] for at in range(0, len(data), PER_LINE)]
    for row in rows[:MAX_LINES]:
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield f"{'':{INDENT}}{row.hex(' '):<{PER_LINE * 3}} {paint(text, '2', 1)}"
    if len(rows) > MAX_LINES:
        yield f"{'':{INDENT}}and {len(data) - MAX_LINES * PER_LINE} bytes more"
