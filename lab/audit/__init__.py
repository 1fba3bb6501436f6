"""A server seen from outside."""
