"""Instructions that the threads of a warp execute together."""
