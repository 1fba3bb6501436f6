"""Rooms: the server's hub and its members, what the server remembers about keys, and the client's side."""
