"""The arguments of the commands: for each command a frozen record, which declares its options."""
