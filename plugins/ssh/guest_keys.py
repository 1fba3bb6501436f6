"""The keys of ssh: the host's own, and whether a guest's can prove anything."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import asyncssh

from plytalk.core.contracts.peers import Identity
from plytalk.core.contracts.public_key import PublicKey
from plytalk.trust import identity as identities
from plytalk.trust.files import read
from plytalk.trust.identity import identity_key

FEWEST_RSA_BYTES = 256
"""A shorter modulus (2048 bits) may be factored, so that its signatures prove nothing."""

WITH_A_POINT = {"ssh-ed25519", "sk-ssh-ed25519@openssh.com"}
PROVING = WITH_A_POINT | {
    "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com",
}  # fmt: skip
"""The types of keys that OpenSSH makes today."""
SHA1 = b"ssh-rsa"
"""The signature of RSA with SHA-1 (RFC 4253 section 6.6)."""


class HostKey(NamedTuple):
    """The key by which guests recognise this server, and whether it has just been made."""

    key: asyncssh.SSHKey
    fingerprint: str
    is_new: bool


def load_host_key(file: Path, ask: Callable[[Path], str]) -> HostKey:
    """The key in a file of OpenSSH's format, 0600; made where there is none. Raises StoreError."""
    asked: list[str] = []

    def remembered(path: Path) -> str:
        asked.append(ask(path))
        return asked[-1]

    loaded, is_new = identities.load_or_create(file, remembered)
    content = read(file, secret=True)
    assert content is not None
    return HostKey(asyncssh.import_private_key(content, asked[-1] if asked else None), loaded.fingerprint, is_new)


def identity_of(key: asyncssh.SSHKey) -> Identity | None:
    """A guest's key as an identity; None for one whose signatures anyone could make, or could make some day soon.

    From then on the key takes no signature with SHA-1.
    """
    public = PublicKey(key.public_data)
    if public.type not in PROVING or (public.type == "ssh-rsa" and len(public.fields[1].lstrip(b"\0")) < FEWEST_RSA_BYTES):
        return None
    if public.type in WITH_A_POINT:
        try:
            identity_key(public.fields[0])
        except ValueError:
            return None
    key.all_sig_algorithms = key.all_sig_algorithms - {SHA1}
    return Identity(public.type, public.blob)
