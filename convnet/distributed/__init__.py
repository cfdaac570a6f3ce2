"""One network over several processes, the *ranks*, each with some of its devices.

Every rank parses the same files, makes the same plan and goes through the same training loop; only
the engine knows that there are others (`engine.py`).  A copy between devices of two ranks becomes a
message (`schedule.py`), which a `Transport` sends.  docs/distributed.md is the user's side of it.
"""
