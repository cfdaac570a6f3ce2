"""Commands that run a trained network: `convnet test` and `convnet predict`."""
