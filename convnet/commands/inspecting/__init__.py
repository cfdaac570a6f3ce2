"""Commands that show networks and runs."""
