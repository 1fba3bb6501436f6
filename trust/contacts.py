"""People met before: a name that you choose, their address, and their key. `chat connect @alice` reads it.

    NAME ADDRESS TYPE BASE64

One contact a line, in the manner of known_hosts, so that lines written by hand stay as they are. ADDRESS is `-` for somebody
who has only connected to you. `#` begins a comment line. A line that cannot be understood refuses the whole file.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.address import MAX_TEXT
from plytalk.trust.files import LOCK_WAIT, edited_lines, read_lines
from plytalk.trust.store_errors import Corrupt, StoreError

_NAME = r"[a-z0-9][a-z0-9._-]{0,31}"
_NOWHERE = "-"


class Contact(Struct, frozen=True):
    """Somebody known by name; `address` is None for somebody who has only connected to you. Raises Usage."""

    name: str
    address: str | None
    key: PublicKey

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.address is not None:
            _check_address(self.address)

    @property
    def line(self) -> str:
        """The contact as the file has it."""
        return f"{self.name} {self.address or _NOWHERE} {self.key}"


class NoContact(Usage):
    """There is no contact of that name."""

    hint = "`chat keys list` shows the contacts."


class Contacts:
    """A contacts file; `wait` bounds the wait for its lock, in seconds. Each call reads the file again.

    Every method raises StoreError (trust/files.py) if the file cannot be read, understood, locked or written.
    """

    def __init__(self, path: Path, wait: float = LOCK_WAIT) -> None:
        self.path = path
        self._wait = wait

    def all(self) -> list[Contact]:
        """All contacts, in the file's order."""
        return list(self._parse(read_lines(self.path) or []).values())

    def get(self, name: str) -> Contact:
        """The contact called `alice`, `Alice` or `@alice`. Raises NoContact."""
        wanted = contact_name(name)
        for contact in self.all():
            if contact.name == wanted:
                return contact
        raise NoContact(f"There is no contact {wanted!a} in {self.path}.")

    def named(self, key: PublicKey) -> list[str]:
        """The names under which a key is kept; none for a stranger's."""
        return [contact.name for contact in self.all() if contact.key == key]

    def free(self, name: str) -> None:
        """Raises Usage if nobody can have this name, StoreError if somebody has it."""
        _check_name(name)
        if any(contact.name == name for contact in self.all()):
            raise StoreError(f"@{name} is taken in {self.path}.", f"Choose another name, or first `chat keys forget @{name}`.")

    def add(self, contact: Contact, *, replace: bool = False) -> bool:
        """Keep a contact; False if it is there already. Raises StoreError if another contact has the name, unless `replace`."""
        with edited_lines(self.path, self._wait) as lines:
            numbered = self._parse(lines)
            for number, other in numbered.items():
                if other == contact:
                    return False
                if other.name == contact.name and not replace:
                    raise StoreError(
                        f"{self.path}, line {number}: {contact.name} is taken.", "Choose another name, or forget that one first."
                    )
            taken = [number for number, other in numbered.items() if other.name == contact.name]
            if taken:
                lines[taken[0] - 1] = contact.line
            else:
                lines.append(contact.line)
        return True

    def forget(self, name: str) -> Contact:
        """Delete, and return, a contact. Raises NoContact."""
        wanted = contact_name(name)
        with edited_lines(self.path, self._wait) as lines:
            for number, contact in self._parse(lines).items():
                if contact.name == wanted:
                    del lines[number - 1]
                    return contact
        raise NoContact(f"There is no contact {wanted!a} in {self.path}.")

    def _parse(self, lines: Sequence[str]) -> dict[int, Contact]:
        contacts: dict[int, Contact] = {}
        for number, line in enumerate(lines, 1):
            text = line.strip(" \t\r")
            if text and not text.startswith("#"):
                try:
                    contact = _contact(text)
                except (ValueError, Usage) as trouble:
                    raise Corrupt(self.path, number, str(trouble).rstrip(".")) from None
                if any(contact.name == other.name for other in contacts.values()):
                    raise Corrupt(self.path, number, f"{contact.name} is listed twice")
                contacts[number] = contact
        return contacts


def contact_name(text: str) -> str:
    """`alice` for `@Alice`: the at sign and capitals are for the eye."""
    return text.removeprefix("@").lower()


def _check_name(name: str) -> None:
    if not re.fullmatch(_NAME, name):
        raise Usage(
            f"{name!a} is not a valid contact name.",
            "Use up to 32 of a-z, 0-9, dot, dash and underscore, a letter or digit first.",
        )


def _contact(text: str) -> Contact:
    parts = re.split(r"[ \t]+", text)
    if len(parts) != 4:
        raise ValueError("it is not NAME ADDRESS TYPE KEY")
    name, address, type, encoded = parts
    return Contact(name, None if address == _NOWHERE else address, PublicKey.parse(f"{type} {encoded}"))


def _check_address(text: str) -> None:
    """Raises Usage for what cannot be in the file. What else an address is, its transport knows."""
    word = 0 < len(text) <= MAX_TEXT and text != _NOWHERE and text.isprintable() and not any(each.isspace() for each in text)
    if not word:
        raise Usage(f"{shorten(text)!a} is not an address to keep.", "Use one without spaces, such as host:8000.")
