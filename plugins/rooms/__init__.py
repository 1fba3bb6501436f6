"""What a room on a server is made of: names (`names`) and what the server remembers about keys (`register`)."""
