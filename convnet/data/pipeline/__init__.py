"""Makes minibatches of a data set: order, crops, flips, mean subtraction, prefetching."""
