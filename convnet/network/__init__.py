"""From a placed graph to memory and a fixed list of steps, and their execution."""
