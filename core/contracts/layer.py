"""What all layers state about themselves, and the words that their contracts share."""

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
"""Bytes as they came from a stream."""
FrameKind = bytes
"""The type of a frame: one byte."""
Frame = tuple[FrameKind | None, bytes]
"""The type and the payload of a frame; None for the type where the framer has none."""


class Option(Struct, frozen=True):
    """A command-line option that a layer brings: `--NAME`; its value reaches the layer's constructor as a keyword argument.

    `type` is bool (a flag), int, str or pathlib.Path. `chooses` says that giving the option chooses its layer, an authenticator
    or a feature, which then need not be named. `role` is the end that alone takes it: the other end's command refuses it, and
    its help is silent about it. An empty text is refused, unless it is the default. `variable` is an environment variable that
    gives it too. A value for which `has_secret` is true is refused on the command line, which everybody on the machine can read,
    and in a config file that others can read.
    `bare` is the value where the option stands without one; None where it needs one. `agreed` says that both sides must have
    the same value: the line that a server shows for the other side names it.
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
        """How the layer's constructor calls it."""
        return self.name.replace("-", "_")


class Layer(ABC):
    """What all layers state about themselves: from it the program refuses, warns, explains and predicts.

    `needs` must be given by the other layers of the stack, `gives` is what this one adds, `prefers` names the layers of
    other kinds that go with it when nothing else is chosen, `caution` is a sentence that `chat explain` adds.
    """

    kind: ClassVar[str]
    name: ClassVar[str]
    needs: ClassVar[AbstractSet[Property]] = frozenset()
    gives: ClassVar[AbstractSet[Property]] = frozenset()
    prefers: ClassVar[Mapping[str, str]] = {}
    options: ClassVar[Sequence[Option]] = ()
    caution: ClassVar[str] = ""

    @classmethod
    def configured(cls, options: Mapping[str, Any]) -> "type[Self]":
        """The layer as these options make it: itself, or a subclass that states truthfully what is left of `gives`."""
        return cls

    @classmethod
    def summary(cls) -> str:
        """The first line of the layer's docstring."""
        return cleandoc(cls.__doc__ or cls.name).splitlines()[0]


Failed = list[tuple[int, BaseException]]
"""What went wrong where something was done for many: the numbers of those, and what was raised."""


def attempt(number: int, failed: Failed, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it for one of many; that it raises is nobody else's concern."""
    try:
        return function(*arguments)
    except BaseException as error:
        let_through(error)
        failed.append((number, error))
