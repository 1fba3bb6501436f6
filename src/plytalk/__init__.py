"""plytalk: a chat you can take apart.

The public face for plugin authors: ``from plytalk import hookimpl, Cipher, Secrets``. Names are fetched on first use, so
that importing the package costs nothing.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "hookimpl": "hookspecs",
    **dict.fromkeys(["Call", "Command"], "commands"),
    **dict.fromkeys(
        [
            "Authenticator",
            "Cipher",
            "Feature",
            "Framer",
            "Handshake",
            "Layer",
            "Listener",
            "Messages",
            "Option",
            "Stream",
            "Transport",
            "Ui",
        ],
        "layers",
    ),
    **dict.fromkeys(["Identity", "Peer", "Role", "Secrets"], "keys"),
    **dict.fromkeys(["Property", "Profile"], "properties"),
    "Wire": "wire",
}

if TYPE_CHECKING:
    from plytalk.core.commands import Call as Call
    from plytalk.core.commands import Command as Command
    from plytalk.core.hookspecs import hookimpl as hookimpl
    from plytalk.core.keys import Identity as Identity
    from plytalk.core.keys import Peer as Peer
    from plytalk.core.keys import Role as Role
    from plytalk.core.keys import Secrets as Secrets
    from plytalk.core.layers import Authenticator as Authenticator
    from plytalk.core.layers import Cipher as Cipher
    from plytalk.core.layers import Feature as Feature
    from plytalk.core.layers import Framer as Framer
    from plytalk.core.layers import Handshake as Handshake
    from plytalk.core.layers import Layer as Layer
    from plytalk.core.layers import Listener as Listener
    from plytalk.core.layers import Messages as Messages
    from plytalk.core.layers import Option as Option
    from plytalk.core.layers import Stream as Stream
    from plytalk.core.layers import Transport as Transport
    from plytalk.core.layers import Ui as Ui
    from plytalk.core.properties import Profile as Profile
    from plytalk.core.properties import Property as Property
    from plytalk.core.wire import Wire as Wire


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'plytalk' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"plytalk.core.{_HOME[name]}"), name)
