"""What a stack costs, measured beside the built-in ones."""
