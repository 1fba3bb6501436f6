"""`--trace FILE` and `--trace-secrets`, for every command that talks."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from plytalk.cli.main import paint
from plytalk.cli.parameters import FILE
from plytalk.core.contracts.errors import Usage
from plytalk.core.io.standard_streams import tell
from plytalk.core.pipeline.tracing import Trace

SECRETS = "plytalk.trace-secrets"
"""Where the context keeps that option, which is `tracing`'s alone."""


def trace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --trace, whose value the command hands to `tracing`, and --trace-secrets."""
    secrets = click.option(
        "--trace-secrets",
        is_flag=True,
        expose_value=False,
        callback=lambda context, option, given: context.meta.update({SECRETS: given}),
        help="Also record the keys: anyone with the trace can then decrypt the conversation.",
    )
    trace = click.option(
        "--trace",
        type=FILE,
        metavar="FILE",
        help="Record what passes through every layer, including your words, for `chat inspect`.",
    )
    return trace(secrets(command))


@contextmanager
def tracing(path: Path | None, notice: Callable[[str], object] = tell) -> Iterator[Trace | None]:
    """A trace into a new file, with a warning where it holds keys; or none. `notice` is told if it ends early. Raises Usage."""
    secrets = bool(click.get_current_context().meta.get(SECRETS))
    if path is None:
        if secrets:
            raise Usage("--trace-secrets needs a trace.", "Give --trace FILE as well.")
        yield None
        return
    from plytalk.lab.inspect.trace_file import TraceFile

    with closing(TraceFile(path, secrets, notice)) as trace:
        if secrets:
            tell(paint(f"Warning: {warning(path)}", "33"))
        yield trace


def warning(path: Path) -> str:
    return (
        f"The trace {path} contains this conversation's keys. Anyone who can read the file can decrypt the recorded traffic "
        "and, until the conversation ends, forge messages from either side. Keep the file secret, and delete it after use."
    )
