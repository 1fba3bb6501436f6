"""Known secrets, and whether a text has one in it, in any of the forms in which secrets leak.

A secret is looked for in pieces of 16 bytes, so that half a key is found too: raw, as hexadecimal, as base64 wherever in it the
piece begins, as Python shows bytes and lists of numbers; and whole as one number.
"""

import os
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

PIECE = 16


def forms(secret: bytes) -> set[bytes]:
    """What to look for. Secrets shorter than a piece, such as a passphrase, count as one piece."""
    pieces = [secret[at : at + PIECE] for at in range(0, max(len(secret) - PIECE, 0) + 1, PIECE)] + [secret[-PIECE:]]
    found = {form for piece in pieces for form in _forms(piece)}
    return found | {str(int.from_bytes(secret, order)).encode() for order in ("big", "little")}


def _forms(piece: bytes) -> Iterator[bytes]:
    yield piece
    yield piece.hex().encode()
    yield piece.hex().upper().encode()
    yield piece.hex(" ").encode()
    yield piece.hex(":").encode()
    yield repr(piece)[2:-1].encode()
    yield str(list(piece))[1:-1].encode()
    for before in range(3):  # base64 looks different by where in a group of three the piece begins
        encoded = b64encode(bytes(before) + piece).rstrip(b"=")
        inner = encoded[-(-before * 8 // 6) : (before + len(piece)) * 8 // 6]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


class Canaries:
    """Secrets by name."""

    def __init__(self, secrets: Mapping[str, bytes] = {}) -> None:
        self._forms: dict[bytes, str] = {}
        for name, secret in secrets.items():
            self.add(name, secret)

    def add(self, name: str, secret: bytes) -> None:
        if len(secret) >= 4:
            self._forms.update(dict.fromkeys(forms(secret), name))

    def __len__(self) -> int:
        return len(set(self._forms.values()))

    def within(self, text: str | bytes) -> set[str]:
        """Return the names of the canaries in a text."""
        data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
        return {name for form, name in self._forms.items() if form in data}

    def in_processes(self) -> set[str]:
        """Those in the command line or the environment of any process that may be looked at."""
        return {f"{name} in {path}" for path in _of_processes() for name in self.within(_content(path))}

    def in_files(self, folder: Path, except_for: set[Path]) -> set[str]:
        """Those in the files of a folder, and in their names, but for the files whose purpose is to hold them."""
        found = set()
        for path in sorted(folder.rglob("*")):
            found |= {f"{name} in the name {path.name}" for name in self.within(path.name)}
            if path.is_file() and path not in except_for:
                found |= {f"{name} in {path}" for name in self.within(path.read_bytes())}
        return found


def _of_processes() -> Iterator[Path]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            yield from (process / "cmdline", process / "environ")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has ended, or belongs to another process
        return b""


CAN_LOOK = os.path.exists("/proc/self/environ")
