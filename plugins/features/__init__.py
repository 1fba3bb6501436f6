"""Built-in features, one file each."""
