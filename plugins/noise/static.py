"""Static keys (Noise, section 7.1) as files and in hex."""

from contextlib import suppress
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.plugins.noise.primitives import DH, KeyPair
from plytalk.trust import files
from plytalk.trust.store_errors import FileExists


def load_or_make(file: Path | None, dh: DH) -> KeyPair:
    """Return the static key in a file (mode 0600), created if it does not exist; without a file, a new key.

    Raises StoreError, and Usage if the file has another content.
    """
    if file is None:
        return dh.generate_keypair()
    content = files.read(file, secret=True)
    if content is None:
        pair = dh.generate_keypair()
        with suppress(FileExists):  # another process has just created it
            files.write_new(file, pair.private.private_bytes_raw().hex().encode() + b"\n", make_parents=True)
            return pair
        content = files.read(file, secret=True) or b""
    return dh.load(from_hex(content.decode("ascii", "replace").strip(), dh, str(file)))


def from_hex(text: str, dh: DH, where: str) -> bytes:
    """Return a key of `dh` from hex. Raises Usage, which does not repeat the text, since it may be a secret."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != dh.dhlen:
        raise Usage(f"{where} holds no key for {dh.name}: that is {2 * dh.dhlen} hexadecimal digits.")
    return key
