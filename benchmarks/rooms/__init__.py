"""Rooms side by side: this chat's server and the servers that people use for the same. See README.md."""
