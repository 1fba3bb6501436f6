"""The client and the server: from a stack to a conversation, and who may begin a handshake."""
