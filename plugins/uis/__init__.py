"""Built-in uis, one file each."""
