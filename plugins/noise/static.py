"""Static keys (Noise, section 7.1) where people handle them: in hex, in their own file or typed."""

from contextlib import suppress
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.noise.primitives import DH, KeyPair
from plytalk.trust import files
from plytalk.trust.store_errors import FileExists


def load_or_make(file: Path | None, dh: DH) -> KeyPair:
    """The static key in a file (0600); a new one, kept there, where there is no file yet; without a file a new one.

    Raises StoreError, and Usage where the file holds something else.
    """
    if file is None:
        return dh.generate_keypair()
    content = files.read(file, secret=True)
    if content is None:
        pair = dh.generate_keypair()
        with suppress(FileExists):  # another process has just made it
            files.write_new(file, pair.private.private_bytes_raw().hex().encode() + b"\n", make_parents=True)
            return pair
        content = files.read(file, secret=True) or b""
    return dh.load(from_hex(content.decode("ascii", "replace").strip(), dh, str(file)))


def from_hex(text: str, dh: DH, where: str) -> bytes:
    """A key of `dh` in hex. Raises Usage, which does not repeat the text: it may be a secret."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != dh.dhlen:
        raise Usage(f"{where} holds no key for {dh.name}: that is {2 * dh.dhlen} hexadecimal digits.")
    return key
