"""Built-in handshakes, one file each."""
