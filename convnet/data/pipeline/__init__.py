"""From a data set to minibatches: order, crops, flips, means, prefetching."""
