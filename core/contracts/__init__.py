"""The contracts: one class for each kind of layer. Each docstring holds a layer that one can copy.

Five words a newcomer needs. A *stream* carries bytes; a *frame* is a piece of the stream with boundaries; a *handshake* talks in
frames until both ends hold *secrets*; a *cipher* seals what is said; *messages* turn words into plaintext and back.

    out:  UI -> messages.pack -> cipher.seal -> framer.encode -> stream.send
    in:   stream -> framer.feed, framer.frames -> cipher.open -> messages.unpack -> UI

Transports, handshakes, authenticators and UIs are made once for a process, with their options; framers, ciphers and
messages are created again for each conversation, so that what they keep on `self` belongs to that conversation alone.
"""

from collections.abc import Mapping

from plytalk.core.contracts.authenticator import Authenticator, KeepsKeys, RevokesKeys
from plytalk.core.contracts.cipher import Cipher
from plytalk.core.contracts.feature import Feature
from plytalk.core.contracts.framer import Framer
from plytalk.core.contracts.handshake import Handshake
from plytalk.core.contracts.layer import Buffer, Failed, Frame, Kind, Layer, Option, attempt
from plytalk.core.contracts.messages import Messages
from plytalk.core.contracts.transport import Listener, Stream, Transport
from plytalk.core.contracts.ui import Conversation, Hearer, Said, Ui
from plytalk.core.io.questions import Question

__all__ = [
    "KINDS",
    "REPEATABLE",
    "Authenticator",
    "Buffer",
    "Cipher",
    "Conversation",
    "Failed",
    "Feature",
    "Frame",
    "Framer",
    "Handshake",
    "Hearer",
    "KeepsKeys",
    "Kind",
    "Layer",
    "Listener",
    "Messages",
    "Option",
    "Question",
    "RevokesKeys",
    "Said",
    "Stream",
    "Transport",
    "Ui",
    "attempt",
]

KINDS: Mapping[str, type[Layer]] = {
    base.kind: base for base in (Transport, Framer, Handshake, Cipher, Messages, Authenticator, Ui, Feature)
}
REPEATABLE = frozenset({"auth", "feature"})
