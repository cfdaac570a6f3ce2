"""Defects of kernels."""

from tests.scripts.mutations.record import GPU, PRODUCTS, Mutation, rows

PRODUCT, TILES, REDUCE = GPU + "gemm/kernel.py", GPU + "gemm/tiles.py", GPU + "kernels/reduce.py"
POOL, SOFTMAX = GPU + "kernels/pool.py", GPU + "ops/softmax.py"
FC = rows("fc: two inputs")
TF32 = (PRODUCTS, "-k", "tf32 and fc")

KERNELS = [
    Mutation(
        "no barrier in the main loop", PRODUCT,
        "            wait_copies(PENDING)\n            cuda.syncthreads()\n",
        "            wait_copies(PENDING)\n", FC,
    ),
    Mutation(
        "waits for one group fewer", PRODUCT,
        "PENDING, AHEAD, RING, RING_VALUES = PLACES - 2,",
        "PENDING, AHEAD, RING, RING_VALUES = PLACES - 1,", FC,
    ),
    Mutation("no wait behind the loop", PRODUCT, "        wait_copies(0)  #", "        #", FC),
    Mutation("no group is committed", PRODUCT, "            commit_copies()\n            at_a",
             "            at_a", FC),
    Mutation("copies to the place that is read", PRODUCT,
             "load_ahead(was_read,", "load_ahead(read,", FC),
    Mutation("the ring is one place too long", PRODUCT,
             "int32(begin + RING)", "int32(begin + RING + STAGE)",
             rows("fc: 33 cases", "conv: 33 cases")),
    Mutation("a split of k ends too late", PRODUCT,
             "last = int32(min(k + split, depth))", "last = int32(min(k + split + 1, depth))",
             rows("conv: groups")),
    Mutation("columns are not limited", TILES,
             "inside = strip < columns and j * step < depth", "inside = j * step < depth",
             rows("fc: 33 cases")),
    Mutation("depth is not limited", TILES,
             "inside = strip < columns and j * step < depth", "inside = strip < columns",
             rows("fc: 33 cases")),
    Mutation("rows of the result are not limited", GPU + "ptx/device_results.py",
             'inside_row = builder.icmp_signed("<", row, rows_left)',
             'inside_row = builder.icmp_signed("<=", row, rows_left)', rows("fc: 33 cases")),
    Mutation("wide words where arrays are not aligned", GPU + "ptx/vectorized.py",
             "return widest if whole and all(", "return widest if whole or all(",
             rows("softmax: one case", "neuron: 33 cases")),
    Mutation("no first barrier of team_sum", REDUCE,
             "    shared[t] = value\n    cuda.syncthreads()\n    half = team // 2",
             "    shared[t] = value\n    half = team // 2", rows("conv: 33 cases")),
    Mutation("no barrier within team_sum", REDUCE,
             "            shared[t] += shared[t + half]\n        cuda.syncthreads()\n"
             "        half //= 2\n    total = shared[t - t % team]",
             "            shared[t] += shared[t + half]\n        half //= 2\n"
             "    total = shared[t - t % team]", rows("conv: 33 cases")),
    Mutation("no last barrier of lanes_max", REDUCE,
             "    largest = shared[t % lanes]\n    cuda.syncthreads()\n",
             "    largest = shared[t % lanes]\n", rows("softmax: 33 cases")),
    Mutation("a barrier in a branch", REDUCE,
             "        if t < half:\n            shared[t] += shared[t + half]\n"
             "        cuda.syncthreads()",
             "        if t < half:\n            shared[t] += shared[t + half]\n"
             "            cuda.syncthreads()", rows("softmax: 33 cases")),
    Mutation("cases are not limited", SOFTMAX,
             "            y[c * cases + n] = held[r] / whole",
             "            y[c * cases + n + 1] = held[r] / whole", rows("softmax: 33 cases")),
    Mutation("softmax does not subtract the maximum", SOFTMAX,
             "held[r] = math.exp(held[r] - top)", "held[r] = math.exp(held[r])",
             rows("softmax: large values")),
    Mutation("padding counts in averages", POOL,
             "columns = _covered(start + place * apart, window, width)", "columns = window",
             rows("pool: avg, overhang", "pool: max, overhang")),
    Mutation("windows are not clamped", POOL,
             "ix = _clamped(left + s, width)", "ix = int32(left + s)",
             rows("pool: avg, overhang", "pool: max, overhang")),
    Mutation("sums of rows in float32", GPU + "kernels/row_sums.py",
             "part += float64(d[k])", "part = float64(float32(part + d[k]) * float32(1.0001))",
             rows("conv: 33 cases")),
    Mutation("momentum is forgotten", GPU + "ops/update.py",
             "moved[k] = momentum * moved[k] - rate * gradients[k] - decay * weights[k]",
             "moved[k] = moved[k] - rate * gradients[k] - decay * weights[k] * momentum",
             rows("fc: two inputs")),
]  # fmt: skip
