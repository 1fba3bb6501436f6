"""Built-in framers, one file each."""
