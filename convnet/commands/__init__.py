"""What the commands do, one module each; `convnet.cli` declares their options."""
