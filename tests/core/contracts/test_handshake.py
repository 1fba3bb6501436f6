"""The contract of handshakes: its example works, and what it is given is asked for by name."""

import inspect
from itertools import takewhile
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from plytalk.core.contracts.errors import HandshakeFailed, LocalError
from plytalk.core.contracts.handshake import Handshake, HandshakeIO, negotiating
from plytalk.core.contracts.peers import Identity, Reply, SessionSecrets
from plytalk.core.contracts.properties import Property
from plytalk.testing import check_handshake


def example() -> type[Handshake]:
    """The class in the docstring of the contract."""
    lines = ("class " + inspect.getdoc(Handshake).partition("\nclass ")[2]).splitlines()  # type: ignore[union-attr]
    body = "\n".join([lines[0], *takewhile(lambda line: not line or line.startswith("    "), lines[1:])])
    names: dict[str, Any] = {**vars(x25519), "SHA256": SHA256, "HKDF": HKDF, "Handshake": Handshake}
    names |= {"HandshakeFailed": HandshakeFailed, "Property": Property, "SessionSecrets": SessionSecrets}
    exec(body, names)
    return names["EphemeralX25519"]  # type: ignore[no-any-return]


def test_the_example_of_the_contract_keeps_it() -> None:
    check_handshake(example())


class Three:
    """`send`, `receive` and `ask`, and nothing more."""

    def send(self, kind: bytes, payload: bytes) -> Reply[None]:
        raise AssertionError

    def receive(self, kind: bytes, limit: int) -> Reply[bytes]:
        raise AssertionError

    def ask(self, identity: Identity) -> Reply[None]:
        raise AssertionError


def test_a_handshake_that_needs_more_than_three_operations_says_so() -> None:
    io: HandshakeIO = Three()
    with pytest.raises(LocalError, match="more than `send`"):
        negotiating(io)
