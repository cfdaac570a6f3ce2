"""Worker processes that decode JPEG images and assemble minibatches in shared memory."""
