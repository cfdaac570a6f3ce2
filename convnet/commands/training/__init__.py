"""Commands that train networks: `convnet train` and `convnet sweep`."""
