"""The data path: one connection, from its handshake to its end."""
