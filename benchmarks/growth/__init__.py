"""How a step grows with the work."""
