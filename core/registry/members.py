"""Whether the members of a layer fit those of its contract: their signatures, what they return, and the types of attributes."""

from collections.abc import Callable, Iterator
from functools import cache
from inspect import Parameter, get_annotations, isasyncgenfunction, iscoroutinefunction, isfunction, signature
from types import UnionType
from typing import Any, ClassVar, get_args, get_origin, get_type_hints

from plytalk.core.contracts.contract_words import asked, contract_of, title
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.optional import Prepares
from plytalk.core.contracts.source_places import location_of
from plytalk.core.registry.quick_checks import accepts_arguments, has_same_signature

CONSTRUCTED_WITH = {"cipher": 2, "messages": 1, "attack": 1}
"""How many arguments the constructor of a kind of layer gets besides its options."""


def fault_of_members(layer: type[Any], is_made: bool = False) -> str:
    """The first fault of a layer's members, as a sentence that says what the contract asks and where the member is; or empty.

    With `is_made` there is an object already, and its constructor is not looked at.
    """
    return next(_faults(layer, is_made), "")


def _faults(layer: type[Any], is_made: bool) -> Iterator[str]:
    contract = contract_of(layer.kind)
    for name, ours in _asked_of(layer, contract):
        theirs = _member(layer, name)
        if theirs is ours or has_same_signature(ours, theirs):
            continue
        if said := _misfit(ours, theirs):
            where = f"`{name}` of {_named(layer)}"
            yield f"{where} {said}; the contract asks for {asked(layer.kind, name)}. See {location_of(layer, name)}."
    yield from _attribute_faults(layer, contract)
    if is_made or accepts_arguments(layer, CONSTRUCTED_WITH.get(layer.kind, 0)):
        return
    if said := _constructor_misfit(layer):
        yield f"the constructor of {_named(layer)} {said}. See {location_of(layer, '__init__')}."


def _asked_of(layer: type[Any], contract: type[Layer]) -> Iterator[tuple[str, Any]]:
    """What the contract asks for, and `ready` where the layer has it. Other optional names may mean something else to it."""
    yield from _members(contract)
    if hasattr(layer, "ready"):
        yield "ready", Prepares.ready


def _member(layer: type[Any], name: str) -> Any:
    """An attribute as the class has it, and not as it gives it; None if it has no such attribute."""
    return next((vars(base)[name] for base in layer.__mro__ if name in vars(base)), None)


def _named(layer: type[Layer]) -> str:
    return title(layer)[0].lower() + title(layer)[1:]


@cache
def _members(contract: type[Layer]) -> list[tuple[str, Any]]:
    """The methods and properties of a contract; without the constructor, which each layer has as it likes."""
    names = {name for base in contract.__mro__[:-1] for name, value in vars(base).items() if _is_called(value) and name[0] != "_"}
    return [(name, _member(contract, name)) for name in sorted(names)]


def _is_called(value: Any) -> bool:
    return isfunction(value) or isinstance(value, property | classmethod)


def _misfit(ours: Any, theirs: Any) -> str:
    if isinstance(ours, property):
        return "is a method" if isfunction(theirs) else ""
    function, own = getattr(ours, "__func__", ours), getattr(theirs, "__func__", theirs)
    if isinstance(theirs, property) or not callable(own):
        return "is not a method"
    if isinstance(ours, classmethod) and not isinstance(theirs, classmethod | staticmethod):
        return "is not a class method"
    if not _takes(own, function, bound=isinstance(theirs, staticmethod)):
        return f"takes {_arguments(own)}"
    if iscoroutinefunction(function) and isfunction(own) and not (iscoroutinefunction(own) or _hint(own)):
        return "is not `async`"
    if not iscoroutinefunction(function) and (iscoroutinefunction(own) or isasyncgenfunction(own)):
        return "is `async`, but is called without `await`"
    return _misreturn(own, function)


def _takes(own: Callable[..., Any], asked: Callable[..., Any], bound: bool) -> bool:
    """Whether a function can be called with what the contract's takes, with all of it and with the least."""
    wanted = [one for one in signature(asked).parameters.values() if one.kind is Parameter.POSITIONAL_OR_KEYWORD][bound:]
    least = sum(one.default is Parameter.empty for one in wanted)
    named = {one.name: None for one in signature(asked).parameters.values() if one.kind is Parameter.KEYWORD_ONLY}
    try:
        for many in {least, len(wanted)}:
            signature(own).bind(*[None] * many, **named)
    except (TypeError, ValueError):
        return False
    return True


def _arguments(function: Callable[..., Any]) -> str:
    return f"({', '.join(signature(function).parameters)})"


def _hint(function: Callable[..., Any]) -> Any:
    try:
        return get_type_hints(function).get("return")
    except Exception:  # a name that only a type checker knows
        return None


def _misreturn(own: Callable[..., Any], asked: Callable[..., Any]) -> str:
    got, wanted = _hint(own), _hint(asked)
    kinds = [get_origin(one) or one for one in (got, wanted)]
    if got is None or iscoroutinefunction(own) != iscoroutinefunction(asked) or not all(isinstance(one, type) for one in kinds):
        return ""
    if wanted is type(None) or got is Any or issubclass(kinds[0], kinds[1]):
        return ""
    return f"says that it returns {getattr(got, '__name__', got)}"


def _attribute_faults(layer: type[Layer], contract: type[Layer]) -> Iterator[str]:
    for name, hint in _hints(contract).items():
        value = _member(layer, name)
        if value is None or value is _member(contract, name) or hasattr(value, "__get__"):
            continue
        wanted = _classes_of(get_args(hint)[0] if get_origin(hint) is ClassVar else hint)
        if not wanted or isinstance(value, wanted):
            continue
        where, asks = f"`{name}` of {_named(layer)}", " or ".join(one.__name__ for one in wanted if one is not type(None))
        yield f"{where} is {value!r:.100}; the contract asks for a value of type {asks}. See {location_of(layer)}."


@cache
def _hints(contract: type[Layer]) -> dict[str, Any]:
    """The annotations of a contract, which are written without quotes: `get_type_hints` takes ten times as long."""
    return {name: hint for base in reversed(contract.__mro__) for name, hint in get_annotations(base).items()}


@cache
def _classes_of(hint: Any) -> tuple[type, ...]:
    """The classes of which a value with this annotation is an instance; none for an annotation that says less."""
    parts = get_args(hint) if isinstance(hint, UnionType) else (hint,)
    classes = [get_origin(part) or part for part in parts]
    if hint is Any or not all(isinstance(one, type) for one in classes):
        return ()
    return (*classes, int) if float in classes else tuple(classes)


def _constructor_misfit(layer: type[Layer]) -> str:
    options = {option.keyword: None for option in getattr(layer, "options", ())}  # an attack has none
    try:
        signature(layer).bind(*[None] * CONSTRUCTED_WITH.get(layer.kind, 0), **options)
    except TypeError as error:
        given = {"cipher": "secrets and role", "messages": "boundaries", "attack": "a seed"}.get(layer.kind, "nothing")
        names = f" and the options {', '.join(options)}" if options else ""
        return f"does not take what it is given, {given}{names}: {error}"
    except ValueError:
        pass
    return ""
