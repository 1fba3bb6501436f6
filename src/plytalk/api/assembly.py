"""From a choice of layers to an endpoint: the same for the command line and for programs."""

from typing import TYPE_CHECKING, Any

from plytalk.api.choice import Choice, own_relay
from plytalk.api.urls import address_in, is_url, key_named
from plytalk.core.contracts.errors import Usage
from plytalk.core.endpoints.client import Client
from plytalk.core.stack.selection import Stack
from plytalk.trust.folders import user_file

if TYPE_CHECKING:
    from plytalk.core.endpoints.server import Server


def make_client(choice: Choice, stack: Stack, **options: Any) -> Client:
    """The client of a stack, whose features and authenticators hear the hooks. Raises BrokenPlugin."""
    choice.registry.hear(stack)
    return Client(stack, choice.registry.manager.hook, **options)


def make_server(choice: Choice, stack: Stack, **options: Any) -> "Server":
    """The server of a stack, in the same way. Raises BrokenPlugin."""
    from plytalk.core.endpoints.server import Server  # clients do without all of it

    choice.registry.hear(stack)
    return Server(stack, choice.registry.manager.hook, **options)


def server_address(choice: Choice, written: str) -> str:
    """The address of the server that @CONTACT, a URL, NUMBER@RELAY or SHA256:...@RELAY names; any other text as it is.

    A key that is named with it becomes the only one that will do. Raises Usage, StoreError.
    """
    if written.endswith("@") and is_url(written):
        written += own_relay(choice.settings)
    if key := key_named(written):
        choice.pin(key)
    return address_of_contact(choice, written) if written.startswith("@") else address_in(written)


def address_of_contact(choice: Choice, name: str) -> str:
    """The address of a contact, whose key becomes the only one that will do. Raises Usage, StoreError."""
    from plytalk.trust.contacts import Contacts

    contact = Contacts(user_file("contacts")).get(name)
    if contact.address is None:
        raise Usage(
            f"The address of @{contact.name} is not known: they have only connected to you.",
            f"Give the address: chat connect HOST --peer {contact.key.fingerprint}",
        )
    choice.pin(contact.key.fingerprint)
    return contact.address
