"""Commands that prepare data and convert checkpoints."""
