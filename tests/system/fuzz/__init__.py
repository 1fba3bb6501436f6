"""Hostile bytes for everything that reads bytes. See README.md."""
