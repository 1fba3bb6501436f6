"""plyrelay/1: a relay by which two programs meet that cannot reach each other, and the two roles in which programs use one."""
