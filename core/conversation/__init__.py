"""Conversations: what a person or a program has, above the connections."""
