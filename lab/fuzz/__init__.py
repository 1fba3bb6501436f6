"""Fuzzing a handshake, led by the lines that it reaches, and comparing two implementations of one protocol."""
