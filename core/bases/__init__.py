"""Base classes for layers: frames with a header, AEADs with a random nonce, UTF-8 text, and streams over other streams."""
