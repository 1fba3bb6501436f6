"""The framework: contracts, the pipeline and nothing else. It names no algorithm, opens no socket, imports no plugin."""
