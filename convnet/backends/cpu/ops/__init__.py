"""The operations of the CPU engine, one module for each module of operations that layers call."""
