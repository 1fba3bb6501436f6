"""How fast plytalk is, side by side with a plain program that speaks the same protocols. See README.md."""
