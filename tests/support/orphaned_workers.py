"""Starts workers, prints their numbers, waits to be killed.

Use: `python -m tests.support.orphaned_workers FOLDER`.
"""

import sys
import time

from convnet.data import decoding, open_dataset

if __name__ == "__main__":
    with decoding(open_dataset(sys.argv[1]), 2) as workers:
        print(*(process.pid for process in workers._processes), flush=True)
        time.sleep(600)
