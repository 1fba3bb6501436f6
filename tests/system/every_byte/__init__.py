"""Recorded conversations, byte by byte."""
