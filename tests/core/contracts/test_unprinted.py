"""No secret is printed by a struct: `msgspec` gives each one a way to print all fields that ignores its `__repr__`."""

import importlib
import pkgutil

import msgspec

import plytalk
from plytalk.core.contracts.peers import SessionSecrets
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.unprinted import Unprinted
from plytalk.plugins.sockets.proxies import parse_proxy


def own_reprs() -> set[type]:
    """The structs that print themselves in their own way, of all modules that can be imported here."""
    for module in pkgutil.walk_packages(plytalk.__path__, "plytalk.", onerror=lambda name: None):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, kinds = set[type](), [msgspec.Struct]
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        if kind.__module__.startswith("plytalk.") and kind.__repr__ is not msgspec.Struct.__repr__:
            found.add(kind)
    return found


def test_a_struct_that_hides_its_fields_hides_them_from_every_printer() -> None:
    found = own_reprs()
    assert SessionSecrets in found
    assert {kind for kind in found if not issubclass(kind, Unprinted)} == {PublicKey}  # which has no secret


def test_keys_and_passwords_are_not_shown() -> None:
    secrets, proxy = SessionSecrets(b"key-to-send", b"key-to-receive"), parse_proxy("http://user:password@host:1")
    for one in (secrets, proxy):
        shown = repr(one) + str(one) + repr([*one.__rich_repr__()])
        assert not any(word in shown for word in ("key-to", "password"))
