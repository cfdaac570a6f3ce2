"""The readers that are fuzzed, by name."""

from tests.fuzz.reader import Reader
from tests.fuzz.readers import data, images, made, onnx_files, options, originals, runs, specs

READERS: dict[str, Reader] = {
    reader.name: reader
    for module in (specs, runs, originals, data, made, images, options, onnx_files)
    for reader in module.READERS
}
