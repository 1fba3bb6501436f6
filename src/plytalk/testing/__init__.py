"""The conformance kit: what every layer must stand, as plain functions that need no test runner.

    from plytalk.testing import check_cipher

    def test_it_keeps_its_promises():
        check_cipher(Xor)

Each `check_` function takes what makes a layer (its class, or a function for one with options), treats it as networks, attackers
and hurried programs do, and raises AssertionError with a sentence that says what the layer did wrong and how to repair it. A
layer is held to its contract (`plytalk.core.contracts`) and to what it claims in `gives`, and to nothing else. They may be
called from anywhere: those that need an event loop bring their own.

`two_ends` opens whole conversations between two ends in one process, over a link that cuts the bytes as it likes.
"""

from plytalk.testing.ciphers import check_cipher
from plytalk.testing.cutting import byte_by_byte, randomly, whole
from plytalk.testing.endpoints import Endpoint, open_ends, stack_of, two_ends
from plytalk.testing.entry_points import check_entry_points
from plytalk.testing.framers import check_framer
from plytalk.testing.handshakes import check_handshake
from plytalk.testing.others import check_authenticator, check_layer, check_messages, check_ui
from plytalk.testing.parts import GivenKeys, PlainFrames, RecordingUi, TypedFrames
from plytalk.testing.transports import check_transport

__all__ = [
    "Endpoint",
    "GivenKeys",
    "PlainFrames",
    "RecordingUi",
    "TypedFrames",
    "byte_by_byte",
    "check_authenticator",
    "check_cipher",
    "check_entry_points",
    "check_framer",
    "check_handshake",
    "check_layer",
    "check_messages",
    "check_transport",
    "check_ui",
    "open_ends",
    "randomly",
    "stack_of",
    "two_ends",
    "whole",
]
