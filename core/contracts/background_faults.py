"""Whose fault it is when something is raised where plytalk has called no layer, as in a task or a callback of a plugin.

The innermost frame of a plugin says which. If there is none, as with `loop.call_soon(sys.exit)`, search all plugins for the code
that schedules this callback.
"""

import builtins
import dis
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from inspect import getattr_static
from traceback import walk_tb
from types import CodeType
from typing import Any

from plytalk.core.contracts.errors import BrokenPlugin
from plytalk.core.contracts.interruption import ENDS
from plytalk.core.contracts.origins import Owners
from plytalk.core.contracts.sanitise import clean

MUST_NOT_END = "A plugin must not end the program; a feature ends its server with `end`, which the hook `server_opened` gives it."
SCHEDULERS = frozenset({
    *("call_soon", "call_later", "call_at", "call_soon_threadsafe"),
    *("add_reader", "add_writer", "add_signal_handler", "add_done_callback"),
})  # fmt: skip
"""The methods that take a callback."""
EXITS = (sys.exit,)
"""What raises one of ENDS when the event loop calls it."""


def blame_code(error: BaseException) -> BrokenPlugin | None:
    """The error for what a plugin raised where plytalk has not called it, as in a task that it started; None for all else."""
    owners = Owners()
    for frame, line in reversed([*walk_tb(error.__traceback__)]):
        if owner := owners.of(frame.f_globals.get("__name__", "")):
            hint = _hint(error, clean(f"{frame.f_code.co_filename}:{line}"))
            return BrokenPlugin(f"{owner.title} raised {type(error).__name__}.", hint)
    return None


def blame_callback(error: BaseException, callback: Callable[..., Any] | None = None) -> BrokenPlugin | None:
    """The error for what a callback raised in code of no plugin, if one place in a plugin hands that to the event loop.

    Without the callback, which not every loop shows, whatever ends a program is looked for.
    """
    while isinstance(callback, partial):
        callback = callback.func
    places = [*_places((callback,) if callback else EXITS if isinstance(error, ENDS) else ())]
    if len(places) != 1:
        return None
    title, name, place = places[0]
    what = f"the event loop the callback `{clean(name)}`, which raised {type(error).__name__}"
    return BrokenPlugin(f"{title} gave {what}.", _hint(error, place))


def callback_of(error: BaseException) -> Callable[..., Any] | None:
    """The callback in which something was raised that passed through asyncio's loop."""
    handles = [frame.f_locals.get("self") for frame, _ in walk_tb(error.__traceback__) if frame.f_code.co_name == "_run"]
    return next((found for handle in handles if (found := getattr(handle, "_callback", None))), None)


def _hint(error: BaseException, place: str) -> str:
    return f"See {place}. {MUST_NOT_END}" if isinstance(error, ENDS) else f"See {place}."


def _places(wanted: Sequence[object]) -> Iterator[tuple[str, str, str]]:
    """The plugins, with a name and FILE:LINE, in whose code a function names one of these objects, and one of SCHEDULERS."""
    owners = Owners()
    for key, module in tuple(sys.modules.items()):
        if not ((owner := owners.of(key)) and (file := getattr(module, "__file__", None))):  # modules of others may be lazy
            continue
        for code in _codes(module):
            if code.co_filename == file and SCHEDULERS & {*code.co_names} and (name := _named(code, module, wanted)):
                yield owner.title, name, clean(f"{file}:{_line_of(code, name)}")


def _named(code: CodeType, module: object, wanted: Sequence[object]) -> str:
    """The name by which code names one of these objects: a global, or an attribute of one; or empty."""
    for name in code.co_names:
        value = vars(module).get(name, getattr(builtins, name, sys.modules.get(name)))
        if _is_one(value, wanted):
            return name
        for attribute in code.co_names if value is not None else ():
            if _is_one(getattr_static(value, attribute, None), wanted):
                return attribute
    return ""


def _is_one(value: object, wanted: Sequence[object]) -> bool:
    return any(value is one for one in wanted)


def _codes(module: object) -> Iterator[CodeType]:
    """The code of all functions of a module, also of those in classes and in functions."""
    waiting = [*vars(module).values()]
    seen: set[int] = set()
    while waiting:
        value: Any = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, CodeType):
            yield value
            waiting += [one for one in value.co_consts if isinstance(one, CodeType)]
        elif isinstance(value, type) and value.__module__ == getattr(module, "__name__", ""):
            waiting += vars(value).values()
        else:
            function = getattr(value, "fget", None) or getattr(value, "__func__", value)
            code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
            waiting += [code] if isinstance(code, CodeType) else []


def _line_of(code: CodeType, name: str) -> int:
    """The line at which a name is first used."""
    uses = (one.positions.lineno for one in dis.get_instructions(code) if one.argval == name and one.positions)
    return next(uses, None) or code.co_firstlineno
