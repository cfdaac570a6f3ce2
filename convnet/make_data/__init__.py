"""Makes a data set of shards from archives or folders of images: `convnet make-data`.

The way: `listing` says what images there are, `plan` fixes their order and is stored first,
`picture` (in worker processes) makes each one's JPEG, `write` puts them into shards.
"""
