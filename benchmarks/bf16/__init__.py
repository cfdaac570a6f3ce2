"""Whether products in bfloat16 would pay on a CPU."""
