"""plytalk: a chat you can take apart.

The public face for plugin authors: ``from plytalk import hookimpl, Cipher, SessionSecrets``. Names are fetched on first use, so
that importing the package costs nothing.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "hookimpl": "core.registry.hookspecs",
    **dict.fromkeys(["Call", "Command"], "core.contracts.commands"),
    "Authenticator": "core.contracts.authenticator",
    "Cipher": "core.contracts.cipher",
    "Feature": "core.contracts.feature",
    "Framer": "core.contracts.framer",
    "Handshake": "core.contracts.handshake",
    **dict.fromkeys(["Layer", "Option"], "core.contracts.layer"),
    "Messages": "core.contracts.messages",
    **dict.fromkeys(["Listener", "Stream", "Transport"], "core.contracts.transport"),
    "Ui": "core.contracts.ui",
    **dict.fromkeys(["Identity", "Peer", "Role", "SessionSecrets"], "core.contracts.peers"),
    **dict.fromkeys(["Property", "Profile"], "core.contracts.properties"),
    "HandshakeIO": "core.contracts.handshake",
}

if TYPE_CHECKING:
    from plytalk.core.contracts.authenticator import Authenticator as Authenticator
    from plytalk.core.contracts.cipher import Cipher as Cipher
    from plytalk.core.contracts.commands import Call as Call
    from plytalk.core.contracts.commands import Command as Command
    from plytalk.core.contracts.feature import Feature as Feature
    from plytalk.core.contracts.framer import Framer as Framer
    from plytalk.core.contracts.handshake import Handshake as Handshake
    from plytalk.core.contracts.handshake import HandshakeIO as HandshakeIO
    from plytalk.core.contracts.layer import Layer as Layer
    from plytalk.core.contracts.layer import Option as Option
    from plytalk.core.contracts.messages import Messages as Messages
    from plytalk.core.contracts.peers import Identity as Identity
    from plytalk.core.contracts.peers import Peer as Peer
    from plytalk.core.contracts.peers import Role as Role
    from plytalk.core.contracts.peers import SessionSecrets as SessionSecrets
    from plytalk.core.contracts.properties import Profile as Profile
    from plytalk.core.contracts.properties import Property as Property
    from plytalk.core.contracts.transport import Listener as Listener
    from plytalk.core.contracts.transport import Stream as Stream
    from plytalk.core.contracts.transport import Transport as Transport
    from plytalk.core.contracts.ui import Ui as Ui
    from plytalk.core.registry.hookspecs import hookimpl as hookimpl


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'plytalk' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"plytalk.{_HOME[name]}"), name)
