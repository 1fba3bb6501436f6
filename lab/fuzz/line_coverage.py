"""Which lines of some files have run: what tells a fuzzer that an input reached something new.

With `sys.monitoring` (Python 3.12 and later) each line is reported once, so that it costs next to nothing; before that, with
`sys.settrace`, for the functions of these files alone.
"""

import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any, Self

NAME = "plytalk-fuzz"


class LineCoverage:
    """A context in which the lines of `files` are noted. `lines` has those that ran, as (file, line)."""

    def __init__(self, files: Iterable[Path]) -> None:
        self.lines: set[tuple[str, int]] = set()
        self._files = frozenset(str(file) for file in files)
        self._counted = 0

    def news(self) -> bool:
        """Whether a line ran that had not run when this was asked last."""
        before, self._counted = self._counted, len(self.lines)
        return self._counted > before

    def __enter__(self) -> Self:
        if sys.version_info >= (3, 12):
            monitoring = sys.monitoring
            self._tool = next(tool for tool in range(3, 6) if monitoring.get_tool(tool) is None)
            monitoring.use_tool_id(self._tool, NAME)
            monitoring.register_callback(self._tool, monitoring.events.LINE, self._on_line)
            monitoring.set_events(self._tool, monitoring.events.LINE)
            monitoring.restart_events()
        else:
            self._before = sys.gettrace()
            threading.settrace(self._on_call)  # handshakes may work in a thread
            sys.settrace(self._on_call)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if sys.version_info >= (3, 12):
            sys.monitoring.set_events(self._tool, 0)
            sys.monitoring.free_tool_id(self._tool)
        else:
            sys.settrace(self._before)
            threading.settrace(None)

    def _on_line(self, code: CodeType, line: int) -> Any:
        if code.co_filename in self._files:
            self.lines.add((code.co_filename, line))
        return sys.monitoring.DISABLE  # type: ignore[attr-defined,unused-ignore]

    def _on_call(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._on_event if frame.f_code.co_filename in self._files else None

    def _on_event(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            self.lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._on_event


def source_of(value: object) -> Path:
    """The file in which the class of a value is written."""
    return Path(sys.modules[type(value).__module__].__file__ or "")


def code_lines(file: Path) -> set[tuple[str, int]]:
    """Every line of a file that can run inside a function, as (file, line)."""
    whole = compile(file.read_bytes(), str(file), "exec")
    return {
        (str(file), line) for code in nested(whole) for _, _, line in code.co_lines() if line is not None and code is not whole
    }


def constants(file: Path) -> list[bytes]:
    """What the code of a file compares with: its bytes, its texts, and its numbers in one, two, four and eight bytes."""
    found: dict[bytes, None] = {}
    for code in nested(compile(file.read_bytes(), str(file), "exec")):
        for constant in code.co_consts:
            for form in forms(constant):
                found[form] = None
    return [form for form in found if 0 < len(form) <= 4096]


def forms(constant: Any) -> list[bytes]:
    """A constant as bytes of a message."""
    match constant:
        case bytes():
            return [constant]
        case str():
            return [constant.encode(errors="replace")]
        case bool():
            return []
        case int() if 0 <= constant < 2**64:
            sizes = [size for size in (1, 2, 4, 8) if constant < 256**size]
            return [constant.to_bytes(size, order) for size in sizes for order in ("big", "little")]
        case tuple() | frozenset():
            return [form for one in constant for form in forms(one)]
    return []


def nested(code: CodeType) -> list[CodeType]:
    """A code object and all within it."""
    return [code, *(inner for constant in code.co_consts if isinstance(constant, CodeType) for inner in nested(constant))]
