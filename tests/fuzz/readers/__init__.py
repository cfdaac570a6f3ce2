"""The readers that are fuzzed, by name."""

from tests.fuzz.reader import Reader
from tests.fuzz.readers import (
    caffe,
    data,
    foreign,
    images,
    made,
    onnx_files,
    options,
    originals,
    runs,
    specs,
)

READERS: dict[str, Reader] = {
    reader.name: reader
    for module in (caffe, specs, runs, originals, foreign, onnx_files, data, made, images, options)
    for reader in module.READERS
}
