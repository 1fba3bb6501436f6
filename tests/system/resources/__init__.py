"""Attacks on a real server's resources and on everybody's screen.

`python -m tests.system.resources` runs them and writes the report.
"""
