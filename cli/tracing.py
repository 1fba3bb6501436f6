"""`--trace FILE`, for every command that talks."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click

from plytalk.core.trace import Trace
from plytalk.core.tracefile import TraceFile


def trace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --trace."""
    return click.option(
        "--trace",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Record what passes every layer, your words included, for `chat inspect`.",
    )(command)


@contextmanager
def tracing(path: Path | None) -> Iterator[Trace | None]:
    """A trace into a new file, or none. Raises Usage."""
    if path is None:
        yield None
        return
    with closing(TraceFile(path)) as trace:
        yield trace
