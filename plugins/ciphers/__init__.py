"""Built-in ciphers, one file each."""
