"""Faults injected into writing: every call that writes fails once, the way SQLite is tested.

`python -m tests.faults` runs each operation again and again; the first time its first call that
writes fails, then its second, and so on until no call is left.  It prints a table of what was lost.
"""
