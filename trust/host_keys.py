"""The keys of hosts met before, in OpenSSH's own file format (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

    [MARKER] HOSTS TYPE BASE64 [COMMENT]

HOSTS is a list of patterns, or one host behind a keyed hash. What matters here is which line *decides*:

    a revoked line with this very key        REVOKED
    a line with this very key                SAME
    a line with another key of its type      CHANGED
    a line with a key of another type        OTHER_TYPE
    none of these                            ABSENT

`@cert-authority` lines are understood and decide nothing. A line that cannot be understood refuses the whole file, since
nobody can say which host it was about.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from plytalk.core.contracts.errors import ChangedPeer, Usage
from plytalk.core.contracts.public_key import PublicKey
from plytalk.core.contracts.sanitise import shorten
from plytalk.core.io.address import MAX_TEXT
from plytalk.trust.files import LOCK_WAIT, edited_lines, read_lines
from plytalk.trust.store_errors import Corrupt

SSH_PORT = 22
"""The one port OpenSSH does not write down."""

REVOKED_MARK = "@revoked"
AUTHORITY_MARK = "@cert-authority"

_LINE = r"(?:(@\S+)[ \t]+)?([^@ \t][^ \t]*)[ \t]+([^ \t]+)[ \t]+([^ \t]+)(?:[ \t]+(.*))?"
_HOSTS = r"[!-~]+"
_HOST = r"[A-Za-z0-9._:%-]{1,255}"
_ESCAPED = rb"[^a-z0-9/@:._+=~-]"
_HASH_BYTES = 20


class HostKeyVerdict(Enum):
    """What the file says about a host and the key it shows."""

    ABSENT = "absent"
    SAME = "same"
    CHANGED = "changed"
    OTHER_TYPE = "other type"
    REVOKED = "revoked"


class HostKeyFinding(NamedTuple):
    """A verdict, and the numbers of the lines that decided."""

    verdict: HostKeyVerdict
    lines: tuple[int, ...]


class HostKeyLine(Struct, frozen=True):
    """A line that could be understood."""

    line: int
    marker: str
    hosts: str
    key: PublicKey
    comment: str

    @property
    def hashed(self) -> bool:
        """Whether the host is hidden behind a hash."""
        return self.hosts.startswith("|")

    def concerns(self, name: str) -> bool:
        """Whether the line is about a host, named as `host_name` does. A negated pattern that matches outweighs all others."""
        if self.hashed:
            return hmac.compare_digest(_hashed(name, _salt(self.hosts)), self.hosts)
        patterns = self.hosts.lower().split(",")
        if any(_matches(pattern[1:], name) for pattern in patterns if pattern.startswith("!")):
            return False
        return any(_matches(pattern, name) for pattern in patterns)


class KnownHostsFile:
    """A known_hosts file; `wait` bounds the wait for its lock, in seconds. Each call reads the file again.

    Every method raises StoreError (trust/files.py) if the file cannot be read, understood, locked or written: that is a
    refusal, never an absent host.
    """

    def __init__(self, path: Path, wait: float = LOCK_WAIT) -> None:
        self.path = path
        self._wait = wait

    def entries(self) -> list[HostKeyLine]:
        """All lines that say something, in order."""
        return self._parse(read_lines(self.path, streams=True) or [])

    def lookup(self, host: str, port: int | None, key: PublicKey) -> HostKeyFinding:
        """What the file says about this host showing this key. Raises Usage if the host is not valid."""
        return _judge(self._parse(read_lines(self.path) or []), host_name(host, port), key)

    def add(self, host: str, port: int | None, key: PublicKey, *, hashed: bool = False) -> bool:
        """Remember the key of a host not met before; False if another process has just done it.

        The file is looked at again under the lock. Raises ChangedPeer unless the host is still absent or has this key, Usage
        if the host is not valid.
        """
        name = host_name(host, port)
        with edited_lines(self.path, self._wait) as lines:
            verdict, found = _judge(self._parse(lines), name, key)
            if verdict is HostKeyVerdict.SAME:
                return False
            if verdict is not HostKeyVerdict.ABSENT:
                raise ChangedPeer(
                    f"{self.path}, line {found[0]}: {name} already has a key there ({verdict.value}). Nothing was changed."
                )
            lines.append(f"{_hashed(name, secrets.token_bytes(_HASH_BYTES)) if hashed else name} {key}")
        return True

    def forget(self, host: str, port: int | None) -> list[HostKeyLine]:
        """Delete, and return, the lines about a host; revoked keys and authorities stay, as with `ssh-keygen -R`.

        A line about several hosts goes as a whole: the user is asked about them again. Raises Usage if the host is not valid.
        """
        name = host_name(host, port)
        with edited_lines(self.path, self._wait) as lines:
            gone = [entry for entry in self._parse(lines) if not entry.marker and entry.concerns(name)]
            for entry in reversed(gone):
                del lines[entry.line - 1]
        return gone

    def _parse(self, lines: Sequence[str]) -> list[HostKeyLine]:
        entries = []
        for number, line in enumerate(lines, 1):
            text = line.strip(" \t\r")
            if text and not text.startswith("#"):
                try:
                    entries.append(_entry(number, text))
                except ValueError as trouble:
                    raise Corrupt(self.path, number, str(trouble)) from None
        return entries


def host_name(host: str, port: int | None) -> str:
    """A host as OpenSSH writes it: `host` on port 22, `[host]:port` on any other, in lowercase letters. Raises Usage.

    What has no port, such as a socket's path, NAME@RELAY or NAME.local, is `[place]`: OpenSSH has no host of that name. There
    %xx replaces capitals and all that means something in a pattern, so that each place has one name.
    """
    if port is None:
        return f"[{_place(host)}]"
    if not re.fullmatch(_HOST, host) or not 0 < port < 1 << 16:
        raise Usage(f"{host!r} with port {port} cannot be stored in known_hosts.", "Use a name in ASCII (xn--...) or an address.")
    return host.lower() if port == SSH_PORT else f"[{host.lower()}]:{port}"


def _place(text: str) -> str:
    if not 0 < len(text) <= MAX_TEXT:
        raise Usage(f"{shorten(text)!a} cannot be stored in known_hosts.", f"An address has 1 to {MAX_TEXT} characters.")
    return re.sub(_ESCAPED, lambda found: f"%{found[0][0]:02x}".encode(), text.encode("utf-8", "surrogateescape")).decode("ascii")


def _judge(entries: Sequence[HostKeyLine], name: str, key: PublicKey) -> HostKeyFinding:
    about = [entry for entry in entries if entry.concerns(name)]
    revoked = [entry for entry in about if entry.marker == REVOKED_MARK and entry.key == key]
    valid = [entry for entry in about if not entry.marker]
    for verdict, deciding in (
        (HostKeyVerdict.REVOKED, revoked),
        (HostKeyVerdict.SAME, [entry for entry in valid if entry.key == key]),
        (HostKeyVerdict.CHANGED, [entry for entry in valid if entry.key.type == key.type]),
        (HostKeyVerdict.OTHER_TYPE, valid),
    ):
        if deciding:
            return HostKeyFinding(verdict, tuple(entry.line for entry in deciding))
    return HostKeyFinding(HostKeyVerdict.ABSENT, ())


def _entry(number: int, text: str) -> HostKeyLine:
    parts = re.fullmatch(_LINE, text)
    if not parts or "\0" in text:
        raise ValueError("it is not HOSTS TYPE KEY")
    marker, hosts, type, encoded, comment = parts.groups(default="")
    if not re.fullmatch(_HOSTS, hosts):
        raise ValueError("a host in it is not printable ASCII (an international name begins with xn--)")
    if marker not in ("", REVOKED_MARK, AUTHORITY_MARK):
        raise ValueError(f"there is no marker {marker!a}")
    if hosts.startswith("|"):
        _salt(hosts)
    return HostKeyLine(number, marker, hosts, PublicKey.parse(f"{type} {encoded}"), comment)


def _matches(pattern: str, name: str) -> bool:
    """Each star but the last settles, `(?>...)`, for the first place that fits what follows: many cost no more than one."""
    first, *others = [re.escape(part).replace(r"\?", ".") for part in pattern.split("*")]
    stars = [f"(?>.*?{part})" for part in others[:-1]] + [f".*{part}" for part in others[-1:]]
    return re.fullmatch(first + "".join(stars), name) is not None


def _salt(hosts: str) -> bytes:
    try:
        _, version, salt, digest = hosts.split("|")
        raw = [binascii.a2b_base64(part.encode("ascii"), strict_mode=True) for part in (salt, digest)]
    except ValueError:
        raise ValueError("the hashed host is damaged") from None
    if version != "1" or any(len(part) != _HASH_BYTES for part in raw) or base64.b64encode(raw[1]).decode() != digest:
        raise ValueError("the hashed host is damaged")
    return raw[0]


def _hashed(name: str, salt: bytes) -> str:
    """`|1|SALT|HASH`: HMAC-SHA1 is the file format's, and hides names; no trust rests on it."""
    digest = hmac.new(salt, name.encode("utf-8", "surrogateescape"), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
