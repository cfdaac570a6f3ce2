"""Makes a data set of shards from archives or folders of images: `convnet make-data`.

The steps: `archives` and `folders` list the images, `planning` fixes their order and `plan` stores
it, `picture` (in worker processes) makes the JPEG of each image, `write` writes them to shards.
"""
