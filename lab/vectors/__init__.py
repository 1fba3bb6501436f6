"""Test vectors: handshakes that give the same bytes every time, and peer programs that are held to them."""
