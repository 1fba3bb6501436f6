"""UTS 39 skeletons by ICU, which the Unicode Consortium publishes; run as a program, it writes the table that the rooms use.

python tests/support/icu.py >plugins/rooms/confusables.txt
"""

import ctypes
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable
from ctypes.util import find_library

HEADER = """\
# Characters that look alike, for names (plugins/rooms/member_names.py): what they look like, then those that do, in hexadecimal.
# Only characters that a name can have after NFKC. From Unicode {version}, UTS 39, by ICU: tests/support/icu.py.
# The data is Copyright (c) 1991-2022 Unicode, Inc., under the Unicode License, https://www.unicode.org/license.txt.
"""


class NoIcu(Exception):
    """ICU is not installed."""


def icu() -> tuple[str, Callable[[str], str]]:
    """The version of Unicode that ICU knows, and its skeleton of a text. Raises NoIcu."""
    name = find_library("icui18n")
    release = re.search(r"\.so\.(\d+)", name or "")
    if not name or not release:
        raise NoIcu
    library = ctypes.CDLL(name)

    def function(name: str) -> Callable[..., int]:
        return getattr(library, f"{name}_{release[1]}")

    failed = ctypes.c_int(0)
    function("uspoof_open").restype = ctypes.c_void_p
    checker = ctypes.c_void_p(function("uspoof_open")(ctypes.byref(failed)))
    numbers = (ctypes.c_uint8 * 4)()
    ctypes.CDLL(name.replace("i18n", "uc"))
    function("u_getUnicodeVersion")(numbers)

    def skeleton(text: str) -> str:
        given, taken, failed = text.encode(), ctypes.create_string_buffer(4096), ctypes.c_int(0)
        length = function("uspoof_getSkeletonUTF8")(checker, 0, given, len(given), taken, len(taken), ctypes.byref(failed))
        assert failed.value <= 0, failed.value
        return taken.raw[:length].decode()

    return ".".join(map(str, numbers[:3])), skeleton


def table(skeleton: Callable[[str], str]) -> dict[str, str]:
    """What each character looks like, of those that do not look only like themselves."""
    found = {}
    for character in map(chr, range(0x21, sys.maxunicode + 1)):
        if unicodedata.category(character)[0] != "C" and unicodedata.normalize("NFKC", character) == character:
            alone = unicodedata.normalize("NFD", character)
            if alone == character and (looks := skeleton(character)) != character:
                found[character] = looks
    return found


def main() -> None:
    version, skeleton = icu()
    groups = defaultdict(list)
    for character, looks in table(skeleton).items():
        groups[looks].append(character)
    print(HEADER.format(version=version), end="")
    for looks, characters in sorted(groups.items()):
        print(" ".join(f"{ord(each):x}" for each in looks) + ":", *(f"{ord(each):x}" for each in characters))


if __name__ == "__main__":
    main()
