"""Quick checks of the members of a layer, from what a function's code object says. True is certain; False means: look closer.

Each layer is checked when it is loaded. `inspect.signature` takes 20 µs for a method, and these take less than one, so it is
used only for what is written in another way than the contract.
"""

from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_VARARGS, CO_VARKEYWORDS
from types import FunctionType
from typing import Any

FLAGS = CO_VARARGS | CO_VARKEYWORDS | CO_COROUTINE | CO_ASYNC_GENERATOR


def has_same_signature(ours: Any, theirs: Any) -> bool:
    """Whether a member has the parameters of the contract's, and says no other type of what it returns."""
    if isinstance(ours, property) or isinstance(theirs, property):
        return type(ours) is type(theirs)
    own, function = getattr(theirs, "__func__", theirs), getattr(ours, "__func__", ours)
    if type(ours) is not type(theirs) or type(own) is not FunctionType or hasattr(own, "__wrapped__"):
        return False
    gives = own.__annotations__.get("return")
    return _shape(own) == _shape(function) and (gives is None or gives == function.__annotations__.get("return"))


def _shape(function: FunctionType) -> tuple[object, ...]:
    """What says with which arguments a function can be called, and whether the result is awaited."""
    code = function.__code__
    only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
    defaults = len(function.__defaults__ or ()), {*(function.__kwdefaults__ or ())}
    return code.co_argcount, code.co_posonlyargcount, {*only}, *defaults, code.co_flags & FLAGS


def accepts_arguments(layer: type[Any], count: int) -> bool:
    """Whether a class can be called with this number of arguments and its options as keywords."""
    options = {option.keyword for option in getattr(layer, "options", ())}
    made: Any = layer.__init__
    new: Any = layer.__new__
    if made is object.__init__:
        return not count and not options and new is object.__new__
    if type(made) is not FunctionType or hasattr(made, "__wrapped__") or new is not object.__new__:
        return False
    code = made.__code__
    names = code.co_varnames[1 : code.co_argcount]
    keywords = {*names[count:], *code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]}
    optional = {*names[len(names) - len(made.__defaults__ or ()) :], *(made.__kwdefaults__ or ())}
    return count <= len(names) and not code.co_posonlyargcount and options <= keywords and keywords - optional <= options
