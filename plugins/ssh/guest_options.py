"""How asyncssh is set up for guests: what it is asked never to do, and what it need not know."""

import asyncssh

from plytalk.plugins.ssh.guest_server import GuestLogin

VERSION = "plytalk"
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
        login_timeout=0,
        keepalive_interval=PING_SECONDS,
        keepalive_count_max=PINGS,
    )
