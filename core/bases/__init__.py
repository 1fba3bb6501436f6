"""What layers of one form share: a frame with a header, an AEAD with a random nonce, UTF-8 text."""
