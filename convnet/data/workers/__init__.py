"""Worker processes that decode JPEG images and make minibatches in shared memory."""
