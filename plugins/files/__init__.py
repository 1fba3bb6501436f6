"""Files: what a sender reads and a receiver writes, checked by a hash tree; no network."""
