"""Every kind of layer, by the name of its option."""

from collections.abc import Mapping

from plytalk.core.contracts.authenticator import Authenticator
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import Layer
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.transport import Transport
from plytalk.core.contracts.ui import Ui

GROUP = "plytalk"
"""The entry-point group of plugins."""

KINDS: Mapping[str, type[Layer]] = {
    base.kind: base for base in (Transport, Framer, Handshake, Cipher, Messages, Authenticator, Ui, Feature)
}
REPEATABLE = frozenset({"auth", "feature"})
"""Kinds of which a stack may have several layers."""
