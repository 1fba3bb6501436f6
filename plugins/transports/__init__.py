"""Built-in transports, one file each."""
