"""How programs run on GPUs: memory, streams, events, captured graphs."""
