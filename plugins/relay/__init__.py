"""plyrelay/1: a relay through which two programs that cannot reach each other connect, and the two roles in which programs use
it.
"""
