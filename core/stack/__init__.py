"""The layers that a user chose, as one value, and what they protect together."""
