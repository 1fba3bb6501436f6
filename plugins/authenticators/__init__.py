"""Built-in authenticators, one file each."""
