"""What races are, and how the last accesses of each byte are remembered.

A unit of memory is as wide as the narrowest access of the kernel, so that all accesses cover whole
units and two that share a unit share a byte.  Two accesses of a unit by two threads, one of them
writing, are a race unless they are ordered:

* by a barrier of the block (of threads of one block) or of the warp (of lanes of one warp) between
  them.  The clock advances at each, and threads know when they last left one, so that an access is
  ordered behind those whose clock is smaller.
* Blocks of a launch are never ordered; launches always are, as the driver runs one at a time.

Of each unit two records are kept, of the last write and of the last reads:

    clock << 20 | thread << 2 | level

One of reads is enough.  Of readers that are not ordered it keeps how far apart they are: one
thread, lanes of a warp, warps of a block, or blocks.  A write that is not ordered behind one of
them is not ordered behind what is kept, and the other way round.  Records of earlier launches need
no erasing, as the clock never goes back.

`state`, one array because passing arrays to compiled functions is slow, holds the HEADER, for each
warp when it left a barrier of its block and one of itself, and the extents of each memory: how
many, then pairs of first address and end.
"""

CLOCK, LAUNCH, RUN, THREADS = 0, 1, 2, 3  # now; at the launch's and run's begin; threads of a block
WHO_FAILS, RECORD = 4, 5  # the thread that breaks a rule, and the record that it conflicts with
HEADER = 6
TIME, WHO, MOST_THREADS = 20, 2, 1 << 18  # shifts in a record, and threads of a run
MASK = MOST_THREADS - 1
ONE, LANES, WARPS, BLOCKS = 0, 1, 2, 3  # levels of readers
COPY = 3  # level of a writer: an asynchronous copy that has not arrived
# Where a memory's extents are in `state`; log2 of a unit's bytes; and what is added to an address
# to find its byte: START, and STRIDE for each whole GROUP of threads before.
EXTENTS, SHIFT, START, GROUP, STRIDE = 0, 1, 2, 3, 4
# What an access may be.
FINE, UNALIGNED, OUTSIDE, WRITTEN, READ, COPIED, CHANGED, TOO_MANY = 0, 1, 2, 3, 4, 5, 6, 7
