"""Answers that are programs: a module made of the text, and the plugin in it."""

import sys
import traceback
from types import ModuleType
from typing import Any

from plytalk.core.contracts.errors import Usage

MODULE = "answer"


def plugin_in(text: str, hook: str, kind: type) -> Any:
    """The class of this kind that the hook of a program gives, after running the program. Raises Usage."""
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module  # dataclasses and tracebacks look for it
    try:
        exec(compile(text, f"{MODULE}.py", "exec"), vars(module))  # noqa: S102 - to run it is the point
        [found] = vars(module)[hook]()
    except (Exception, SystemExit) as error:
        raise Usage(f"The program cannot be used: {said(error)}") from None
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise Usage(f"`{hook}` gives something other than one {kind.__name__}.")
    return found


def said(error: BaseException) -> str:
    """The error in one line, with the line of the program where it arose."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == f"{MODULE}.py"]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}{f': {error}' if str(error) else ''}{where}"
