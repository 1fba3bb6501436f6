"""Every hook, in the order they fire. Hooks choose; from then on bound methods carry: none of these fires for a frame.

A plugin is a module named by an entry point of the group `plytalk`; the entry point is called KIND-NAME, such as
`cipher-xor`. The module marks its functions with `hookimpl`:

    from plytalk import Cipher, hookimpl

    class Xor(Cipher):
        name = "xor"
        ...

    @hookimpl
    def layers():
        return [Xor]
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from plytalk.core.layers import Layer
    from plytalk.core.properties import Profile
    from plytalk.core.session import Ending, Session

API_VERSION = 1

hookspec = pluggy.HookspecMarker("plytalk")
hookimpl = pluggy.HookimplMarker("plytalk")


@hookspec
def layers() -> Sequence[type["Layer"]]:  # type: ignore[empty-body]
    """Give the layers of this module. Fires once, when one of them is chosen or listed."""


@hookspec
def profiles() -> Sequence["Profile"]:  # type: ignore[empty-body]
    """Give the profiles (whole stacks under a name) of this module. Fires once, when a stack is put together."""


@hookspec
def session_opened(session: "Session") -> None:
    """A conversation has opened: its handshake is done, nothing has been said. An exception ends the conversation."""


@hookspec
def session_closed(session: "Session", ending: "Ending") -> None:
    """A conversation has ended. An exception is reported and changes nothing."""
