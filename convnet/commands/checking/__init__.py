"""Commands that check networks: `convnet check` and `convnet check-grads`."""
