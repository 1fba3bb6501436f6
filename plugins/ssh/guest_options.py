"""The options of asyncssh for guests: what it must never do, and what it need not know."""

import asyncssh
from asyncssh.kex import get_kex_algs

from plytalk.plugins.ssh.guest_server import GuestLogin

VERSION = "plytalk"
KEY_EXCHANGES = ("mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256")
"""Those whose cost a stranger cannot raise: one with a group of 8,192 bits or a new RSA key takes as long as ten of these."""
PING_SECONDS, PINGS = 30, 4
"""After how much silence a guest is asked whether it is there, and how many questions may be unanswered."""


def server_options(key: asyncssh.SSHKey) -> asyncssh.SSHServerConnectionOptions:
    """The options of all connections of a listener.

    No file is read, nothing is forwarded, and nothing is compressed: a small packet could become a large one. How long a login
    may take is the stream's concern.
    """
    return asyncssh.SSHServerConnectionOptions(
        server_factory=GuestLogin,
        server_host_keys=[key],
        server_version=VERSION,
        config=[],
        gss_host=None,
        gss_kex=False,
        gss_auth=False,
        host_based_auth=False,
        password_auth=False,
        public_key_auth=True,
        kbdint_auth=True,
        x11_forwarding=False,
        agent_forwarding=False,
        allow_scp=False,
        line_editor=False,
        compression_algs=["none"],
        kex_algs=[name for name in KEY_EXCHANGES if name.encode() in get_kex_algs()],
        login_timeout=0,
        keepalive_interval=PING_SECONDS,
        keepalive_count_max=PINGS,
    )
