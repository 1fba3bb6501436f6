"""The client and the server for Python programs; `plytalk` itself exports them."""
