"""Sockets of the system, for the transports that use them: how to listen, and how to connect."""
