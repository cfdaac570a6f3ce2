"""The kinds of data set that `convnet.data.open_dataset` opens."""
