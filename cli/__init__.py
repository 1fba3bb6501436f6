"""The `chat` command: options in, a stack out."""
