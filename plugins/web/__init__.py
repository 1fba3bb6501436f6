"""The web page of a server: its files, and the stream that tells a browser's requests from its WebSocket."""
