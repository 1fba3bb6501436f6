"""The layers that come with plytalk, one readable file each; they import `plytalk.core` and never each other."""
