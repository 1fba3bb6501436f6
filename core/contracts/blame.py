"""Whose fault it is when a layer raises, or returns what its contract does not allow.

The innermost frame of a traceback whose `self` is a layer says which; where it was given something else than bytes, the layer
that gave them is at fault. All of this runs after a fault, or while a conversation is set up: never for each message.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from inspect import unwrap
from traceback import walk_tb
from types import CodeType, FrameType
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from plytalk.core.contracts.contract_words import asked, title, written
from plytalk.core.contracts.errors import BrokenPlugin, ChatError
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.origins import origin
from plytalk.core.contracts.sanitise import clean
from plytalk.core.contracts.shortage import shortage
from plytalk.core.contracts.source_places import class_location, location_in, raised_at
from plytalk.core.contracts.transport import Stream, Transport

BYTES = (bytes, bytearray, memoryview)
GIVERS = {"encode": ("cipher", "seal"), "seal": ("messages", "pack"), "open": ("framer", "frames"), "unpack": ("cipher", "open")}
"""The methods that take bytes of another layer as their last argument, and where those come from; also for the batch forms."""


def blame(error: BaseException, suspects: Sequence[Layer | type[Layer]], said: str = "raised {}.") -> ChatError | None:
    """The error to raise in place of one that came out of a layer; None where no suspect is seen in the traceback.

    `said` is what its sentence says after the layer's name, `{}` being the kind of error. A single suspect is the one.
    """
    if short := shortage(error):
        return short
    layers = [_class_of(one) for one in suspects]
    found = _culprit(error, layers)
    layer = found.layer or (layers[0] if len(layers) == 1 else None)
    if layer is None:
        return None
    if found.given:
        made = returned(layer, *found.given)
    else:
        hint = _hint(layer, found.code, found.line, found.method)
        made = BrokenPlugin(f"{title(layer)} {said.format(type(error).__name__)}", hint)
    made.__cause__ = error
    return made


def blame_one(error: BaseException, layer: Layer | type[Layer], said: str = "raised {}.") -> ChatError:
    """The same for the one layer that was called."""
    made = blame(error, [layer], said)
    assert made is not None
    return made


@contextmanager
def replacing_faults(replacement: Callable[[BaseException], ChatError | None]) -> Iterator[None]:
    """Replace what a layer raises by mistake, where there is a replacement. ChatErrors and interruptions pass unchanged."""
    try:
        yield
    except ChatError:
        raise
    except BaseException as error:
        let_through(error)
        if fault := replacement(error):
            raise fault from error
        raise


def blaming(layer: Layer, said: str = "raised {}.") -> AbstractContextManager[None]:
    """Turn what a layer raises by mistake into an error that names the layer."""
    return replacing_faults(lambda error: blame_one(error, layer, said))


def blame_hook(
    error: BaseException, hook: str, implementations: Sequence[Callable[..., Any]], contract: Callable[..., Any]
) -> ChatError:
    """The error to raise in place of one that came out of a hook; `implementations` are the functions of the plugins for it."""
    if short := shortage(error):
        return short
    files = {function.__code__.co_filename: function for function in map(unwrap, implementations)}
    steps = [(frame.f_code.co_filename, line) for frame, line in walk_tb(error.__traceback__)]
    file = next((file for file, _ in steps if file in files), None)
    if file is None:
        return BrokenPlugin(f"The hook `{hook}` of a plugin raised {type(error).__name__}.")
    line = [line for where, line in steps if where == file][-1]
    module = files[file].__module__
    made = BrokenPlugin(
        f"The hook `{hook}` of {clean(module)} raised {type(error).__name__}.",
        f"See {clean(f'{file}:{line}')} of {origin(module)}. The contract asks for {written(hook, contract)}.",
    )
    made.__cause__ = error
    return made


def fault_of_attack(error: BaseException, attack: object) -> str:
    """What an attack raised by mistake, and at which line of its file, as sentences."""
    kind: Any = type(attack)
    at = raised_at(error, getattr(sys.modules.get(kind.__module__), "__file__", None)) or class_location(kind)
    return f"The attack `{kind.name}` raised {type(error).__name__}. See {at} of {origin(kind.__module__)}."


def returned(layer: Any, method: str, got: object) -> BrokenPlugin:
    """The error for a method that returned what the contract does not allow."""
    kind = _class_of(layer)
    function = unwrap(getattr(kind, method))
    code: CodeType | None = getattr(function, "__code__", None)
    what = "nothing" if got is None else f"a value of type {type(got).__name__}"
    return BrokenPlugin(f"{title(kind)} returns {what} from `{method}`.", _hint(kind, code, None, method))


def _class_of(layer: Any) -> type[Layer]:
    """The class of a layer, also where a trace has wrapped it."""
    if isinstance(layer, type):
        return layer
    return type(layer if isinstance(layer, Layer) else layer._layer)


class Culprit(Struct, frozen=True):
    """The layer at fault: where it raised, or the method that returned what it must not, and what that was."""

    layer: type[Layer] | None = None
    code: CodeType | None = None
    line: int | None = None
    method: str = ""
    given: tuple[str, object] | None = None


def _culprit(error: BaseException, layers: Sequence[type[Layer]]) -> Culprit:
    found = Culprit()
    for frame, line in walk_tb(error.__traceback__):
        if layer := _layer_of(frame, layers):
            found = _giver(frame, layers) or Culprit(layer, frame.f_code, line, _method_of(layer, frame, found))
        elif found.code and frame.f_code.co_filename == found.code.co_filename:
            found = replace(found, code=frame.f_code, line=line)  # a function of its module
    return found


def _layer_of(frame: FrameType, layers: Sequence[type[Layer]]) -> type[Layer] | None:
    """The layer that a frame belongs to, whether it is a suspect or was called by one, as a UI is by an authenticator.

    A stream belongs to the transport.
    """
    own = type(frame.f_locals.get("self"))
    if issubclass(own, Stream):
        return next((layer for layer in layers if layer.kind == Transport.kind), None)
    return own if issubclass(own, Layer) else None


def _giver(frame: FrameType, layers: Sequence[type[Layer]]) -> Culprit | None:
    """The layer that gave a method something else than the bytes that it takes."""
    code = frame.f_code
    method = code.co_name.removesuffix("_batch")
    if method not in GIVERS or code.co_argcount < 2:
        return None
    got = frame.f_locals.get(code.co_varnames[code.co_argcount - 1])
    wrong = [one for one in (got if isinstance(got, list | tuple) else [got]) if not isinstance(one, BYTES)]
    kind, giving = GIVERS[method]
    giver = next((layer for layer in layers if layer.kind == kind), None)
    return Culprit(giver, given=(giving, wrong[0])) if wrong and giver else None


def _method_of(layer: type[Layer], frame: FrameType, caller: Culprit) -> str:
    """The method of the contract that was called: this one, or the one of the layer that calls it."""
    name = frame.f_code.co_name
    return caller.method if caller.layer is layer and not asked(layer.kind, name) else name


def _hint(layer: type[Layer], code: CodeType | None, line: int | None, method: str) -> str:
    location = location_in(layer, code, line or code.co_firstlineno) if code else class_location(layer)
    wanted = asked(layer.kind, method)
    return f"See {location} of {origin(layer.__module__)}." + (f" The contract asks for {wanted}." if wanted else "")
