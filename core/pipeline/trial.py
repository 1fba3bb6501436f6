"""Finds which layer broke a conversation: by the traceback or, if that shows none, by using each layer once."""

from collections.abc import Iterable

from plytalk.core.contracts.blame import BYTES, blame, returned
from plytalk.core.contracts.checked_calls import check_frame, checked
from plytalk.core.contracts.errors import BrokenPlugin, ChatError
from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.items import Item
from plytalk.core.stack.selection import Stack

KIND, WORD = b"M", "x"


def fault_of_layer(error: BaseException, stack: Stack) -> ChatError:
    """The error to raise in place of one that came out of a layer."""
    said = "raised {}; the conversation ends here."
    vague = BrokenPlugin(f"A layer of {stack.line} {said.format(type(error).__name__)}")
    return blame(error, stack.layers, said) or tried(stack) or vague


def tried(stack: Stack) -> ChatError | None:
    """What is wrong with the framer or the messages, as far as one frame and one message show it."""
    try:
        _try_framer(stack)
        _try_messages(stack)
    except BrokenPlugin as fault:
        return fault
    except ChatError:
        pass
    except BaseException as error:  # in what it yields
        let_through(error)
        return blame(error, stack.layers)
    return None


def _try_framer(stack: Stack) -> None:
    framer = stack.framer()
    checked(framer, "feed", object, checked(framer, "encode", BYTES, KIND, WORD.encode()))
    for frame in checked(framer, "frames", Iterable):
        check_frame(framer, frame)


def _try_messages(stack: Stack) -> None:
    messages = stack.messages()
    for plaintext in checked(messages, "pack", Iterable, [WORD]):
        if not isinstance(plaintext, BYTES):
            raise returned(messages, "pack", plaintext)
        for item in checked(messages, "unpack", Iterable, plaintext):
            if not isinstance(item, Item):
                raise returned(messages, "unpack", item)
