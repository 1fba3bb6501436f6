"""The lab: attacks on a stack, its recorded bytes, and a server seen from outside."""
