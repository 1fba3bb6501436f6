"""The names of received files: the sender's name is only text, from which a safe name is made."""

import re
import unicodedata
from collections.abc import Iterator
from os.path import splitext

from plytalk.core.contracts.sanitise import clean
from plytalk.plugins.files.file_limits import MAX_NAME, MAX_NUMBER

MAX_BYTES = 255
"""The longest name that common file systems allow, in bytes."""
_NUMBER = len(f" ({MAX_NUMBER})")
_SEPARATORS = re.compile(r'[/\\:*?"<>|]')
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_EXTENSION = 24


def safe_name(text: str, *, inside: bool = False) -> str:
    """Return a file name that is safe on any system: one part, visible, at most 255 bytes even with a number added.

    It is not empty, `.`, `..` or a device, and has no separator, control or bidirectional character. Only `inside` a received
    folder may it begin with a dot, as `.gitignore` does, or with a hyphen, which a shell's `*` would turn into an option.
    """
    name = clean(unicodedata.normalize("NFC", text[:MAX_NAME]))
    name = _SEPARATORS.sub("_", name).strip(" ").rstrip(". ")
    if not inside and name.startswith((".", "-", "~")):
        name = f"_{name}"
    if _RESERVED.match(name):
        name = f"_{name}"
    return _cut(name) or "unnamed"


def _cut(name: str) -> str:
    """Shorten a name so that a number can still be added; what looks like an extension is kept if possible."""
    limit = MAX_BYTES - _NUMBER
    if len(name.encode()) <= limit:
        return name
    stem, extension = splitext(name)
    if len(extension.encode()) > _EXTENSION:
        stem, extension = name, ""
    kept = stem.encode()[: limit - len(extension.encode())].decode("utf-8", "ignore")
    return f"{kept.rstrip('. ')}{extension}"


def numbered(name: str, first: int = 0) -> Iterator[tuple[int, str]]:
    """Yield the numbers from `first` on, each with the name that has it before the extension; 0 is the name itself:
    `report.pdf`, `report (1).pdf`.
    """
    stem, extension = splitext(name)
    for number in range(first, MAX_NUMBER + 1):
        yield number, f"{stem} ({number}){extension}" if number else name


def twin_key(name: str) -> str:
    """Return a key that is equal for names that some file system takes for the same: they differ in case or normalisation."""
    if name.isascii():
        return name.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return unicodedata.normalize("NFKC", folded.casefold())
