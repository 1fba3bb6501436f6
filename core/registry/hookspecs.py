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

Features and authenticators hear with their methods as well, marked alike: then only the one that was chosen hears, and knows its
options.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from plytalk.core.contracts.attack import Attack
    from plytalk.core.contracts.endings import Ending
    from plytalk.core.contracts.errors import ChatError
    from plytalk.core.contracts.layer import Layer
    from plytalk.core.contracts.measures import Measure
    from plytalk.core.contracts.properties import Profile
    from plytalk.core.conversation.direct_chat import DirectChat
    from plytalk.core.stack.selection import Stack

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
def attacks() -> Sequence[type["Attack"]]:  # type: ignore[empty-body]
    """Give the attacks of this module, for the lab. Fires once, when one of them is chosen or listed."""


@hookspec
def server_opened(
    stack: "Stack",
    address: str,
    doors: Sequence[tuple["Stack", str]],
    hook: Any,
    end: Callable[["ChatError"], None],
    notice: Callable[[str], None],
) -> None:
    """A server listens at its doors, each a stack with its transport and an address; `address` is that of the first.

    Through `hook` a feature calls the hooks of all the others, such as `hook.measures`.

    With `end` it ends the server, where it cannot go on: everybody is told goodbye, and the user why. With `notice` it tells the
    user about a peer: repeated notices are counted and summarised, so that no peer fills the screen.
    """


@hookspec
def turned_away(address: str, error: "ChatError") -> None:
    """A peer did not get in: sent away at the door, or refused in its handshake. An exception is reported and changes nothing."""


@hookspec
def session_opened(session: "DirectChat") -> None:
    """A conversation has opened: its handshake is done, nothing has been said. An exception ends the conversation."""


@hookspec
def session_closed(session: "DirectChat", ending: "Ending") -> None:
    """A conversation has ended: fires once for each that has opened, however it ended.

    An exception is reported and changes nothing.
    """


@hookspec
def measures() -> Sequence["Measure"]:  # type: ignore[empty-body]
    """Give figures about yourself as they are now. Fires whenever somebody looks, so it should be quick."""


@hookspec
def reread() -> Sequence[str]:  # type: ignore[empty-body]
    """Reload what you keep of files, such as the allow list; reopen logs. Fires in a server on SIGHUP.

    Gives sentences for the user. Nobody who is in is dropped. An exception means that all stays as it was, and is reported.
    """
