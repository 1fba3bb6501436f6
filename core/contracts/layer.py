"""What all layers state about themselves, and the types that their contracts share."""

from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from inspect import cleandoc
from typing import Any, ClassVar, Self

from msgspec import Struct

from plytalk.core.contracts.interruption import let_through
from plytalk.core.contracts.peers import Role
from plytalk.core.contracts.properties import Property

Buffer = bytes | bytearray | memoryview
"""Bytes as received from a stream."""
FrameKind = bytes
"""The type of a frame: one byte."""
Frame = tuple[FrameKind | None, bytes]
"""The type and the payload of a frame. The type is None if the framer has no types."""


class Option(Struct, frozen=True):
    """A command-line option of a layer, `--NAME`. Its value is passed to the layer's constructor as a keyword argument.

    `type` is bool (a flag), int, str or pathlib.Path. With `chooses`, giving the option chooses its layer, an authenticator or a
    feature, which then need not be named. `role` is the only end that takes the option: the other end's command refuses it and
    does not show it in its help. An empty text is refused, unless it is the default. `variable` is an environment variable that
    also sets it. A value for which `has_secret` is true is refused on the command line, which everybody on the machine can read,
    and in a config file that others can read. `bare` is the value if the option is given without one; None if it needs one.
    `agreed` says that both sides must have the same value: the line that a server shows for the other side names it.
    """

    name: str
    help: str
    type: type = str
    default: Any = None
    metavar: str | None = None
    chooses: bool = False
    role: Role | None = None
    variable: str | None = None
    has_secret: Callable[[str], bool] | None = None
    bare: Any = None
    agreed: bool = False

    @property
    def keyword(self) -> str:
        """The name of the constructor's argument."""
        return self.name.replace("-", "_")


class Layer(ABC):
    """What all layers state about themselves: from it the program refuses, warns, explains and predicts.

    The other layers of the stack must give what it `needs`; it adds what it `gives`. `prefers` names layers of other kinds to use
    with it when nothing else is chosen. `caution` is a sentence that `chat explain` adds.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    needs: ClassVar[AbstractSet[Property]] = frozenset()
    gives: ClassVar[AbstractSet[Property]] = frozenset()
    prefers: ClassVar[Mapping[str, str]] = {}
    options: ClassVar[Sequence[Option]] = ()
    caution: ClassVar[str] = ""

    @classmethod
    def configured(cls, options: Mapping[str, Any]) -> type[Self]:
        """Return the layer with these options: itself, or a subclass with a `gives` that is true with these options."""
        return cls

    @classmethod
    def summary(cls) -> str:
        """The first line of the layer's docstring."""
        return cleandoc(cls.__doc__ or cls.name).splitlines()[0]


Failed = list[tuple[int, BaseException]]
"""The failures of something that was done for many: the number of each that failed, and the exception."""


def attempt(number: int, failed: Failed, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function for one of many. An exception does not concern the others."""
    try:
        return function(*arguments)
    except BaseException as error:
        let_through(error)
        failed.append((number, error))
