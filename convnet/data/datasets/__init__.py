"""The kinds of data sets that `convnet.data.open_dataset` opens."""
