"""How asyncssh is set up for guests."""

import asyncssh

from plytalk.plugins.ssh.guest_options import VERSION, server_options
from plytalk.plugins.ssh.guest_server import GuestLogin


def test_guests_get_a_login_of_ours_and_nothing_that_asyncssh_would_offer() -> None:
    options = server_options(asyncssh.generate_private_key("ssh-ed25519"))
    assert options.protocol_factory is GuestLogin
    assert options.version == VERSION.encode()
    assert list(options.compression_algs) == [b"none"]
    allowed = (
        "x11_forwarding",
        "agent_forwarding",
        "password_auth",
        "host_based_auth",
        "line_editor",
        "allow_scp",
        "gss_kex",
        "gss_auth",
    )
    assert not any(getattr(options, name) for name in allowed)
    assert (options.public_key_auth, options.kbdint_auth) == (True, True)
