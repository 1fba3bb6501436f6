"""Plugins: their hooks, finding, loading and checking them."""
