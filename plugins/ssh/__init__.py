"""What the transport `ssh` is made of."""
