"""What the console is made of: events as lines, colours, completion, pending lines. The input line itself is in plugins/uis."""
