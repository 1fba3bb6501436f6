"""The attack lab: two real ends of a stack, an attacker between them, and a verdict.

attack.py   what an attack is: the contract, and the prediction from the stack's own statements
middle.py   the place between the two ends: frames by name and order, both ways
play.py     one conversation under attack, in one process: what was said, shown and noticed
sides.py    the people at the ends, and conversations that the attacker begins by itself
clock.py    an event loop that does not wait where nothing will happen
"""
