"""Files from students: small and plain. Whose they are, and who can change them, does not matter: their content is checked."""

import os
import stat
from pathlib import Path

from plytalk.core.contracts.errors import Usage
from plytalk.core.contracts.sanitise import shorten


def read_small(path: Path, limit: int) -> bytes:
    """The content of a plain file of at most `limit` bytes, without a byte order mark. Raises Usage."""
    name = shorten(str(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Usage(f"{name} is not a plain file.")
            content = file.read(limit + 1)
    except IsADirectoryError:
        raise Usage(f"{name} is a folder.", "Name the file in it.") from None
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name
        raise Usage(f"{name} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if len(content) > limit:
        raise Usage(f"{name} has more than {limit:,} bytes.", "Is it the right file?")
    return content.removeprefix(b"\xef\xbb\xbf")
