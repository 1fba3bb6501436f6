"""Attacks on a real server's resources and on everybody's screen: `python -m resources` runs them and writes the report."""
