"""Calls of a layer's methods while a conversation is set up, and what they may return."""

from typing import Any

from plytalk.core.contracts.blame import blame_one, returned
from plytalk.core.contracts.errors import ChatError
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.layer import FrameKind


def checked(layer: Any, method: str, gives: Any, *arguments: Any) -> Any:
    """What a method returns, while a conversation is set up. Raises BrokenPlugin for what it raises and no user would
    understand, and for what it returns if that is not of the type `gives`."""
    try:  # `blaming` would take several times as long, and a trace calls this for each message
        got = getattr(layer, method)(*arguments)
    except ChatError:
        raise
    except BaseException as error:
        let_through(error)
        raise blame_one(error, layer) from error
    if not isinstance(got, gives):
        raise returned(layer, method, got)
    return got


def check_frame(framer: Any, frame: Any) -> tuple[FrameKind | None, Any]:
    """The frame that a framer gave. Raises BrokenPlugin unless it is a type and a payload."""
    match frame:
        case (None | bytes() as kind, bytes() | bytearray() | memoryview() as payload):
            return kind, payload
    raise returned(framer, "frames", frame)
