"""Attacks, one file each: what an attacker between the two ends can try."""
