"""Where code is, as FILE:LINE: of a class, a function, a layer's method, and on the way to an error."""

import sys
from collections.abc import Callable
from inspect import getattr_static, getsourcefile, getsourcelines, unwrap
from traceback import walk_tb
from types import CodeType
from typing import Any

from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.sanitise import clean


def raised_at(error: BaseException, file: str | None) -> str:
    """FILE:LINE of the last line of a file on the way to an error; empty where none of it ran."""
    lines = [line for frame, line in walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    return clean(f"{file}:{lines[-1]}") if lines else ""


def location_of(layer: type[Layer], method: str = "") -> str:
    """FILE:LINE of a method, or of the class if it does not have one or inherits it."""
    member = getattr_static(layer, method, None) if method else None
    function = getattr(member, "fget", None) or getattr(member, "__func__", member)
    code: CodeType | None = getattr(function, "__code__", None)
    return location_in(layer, code, code.co_firstlineno) if code else class_location(layer)


def function_location(function: Callable[..., Any]) -> str:
    """FILE:LINE of a function."""
    code = unwrap(function).__code__
    return clean(f"{code.co_filename}:{code.co_firstlineno}")


def class_location(own: type) -> str:
    """FILE:LINE of a class; its module where the source is not at hand."""
    try:
        return clean(f"{getsourcefile(own)}:{getsourcelines(own)[1]}")
    except (OSError, TypeError):
        return clean(own.__module__)


def location_in(layer: type[Layer], code: CodeType, line: int) -> str:
    """FILE:LINE of code that a layer ran; of its class, where the code is inherited from another file."""
    file = getattr(sys.modules.get(layer.__module__), "__file__", None)
    is_own = code.co_filename == file or any(getattr(one, "__code__", None) is code for one in vars(layer).values())
    return clean(f"{code.co_filename}:{line}") if is_own else class_location(layer)
