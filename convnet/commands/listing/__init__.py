"""Commands that list nets, layer types and devices."""
