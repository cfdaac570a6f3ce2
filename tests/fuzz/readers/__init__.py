"""The readers that are fuzzed, by name."""

from tests.fuzz.reader import Reader
from tests.fuzz.readers import caffe, data, images, made, options, originals, runs, specs

READERS: dict[str, Reader] = {
    reader.name: reader
    for module in (specs, runs, originals, data, made, images, options, caffe)
    for reader in module.READERS
}
