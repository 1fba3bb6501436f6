"""Streams, lines and addresses: what reaches the program and leaves it."""
