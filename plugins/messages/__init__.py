"""Built-in messages, one file each."""
