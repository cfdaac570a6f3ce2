"""Predictions for a folder of pictures as users of PyTorch write them: `convnet predict` beside it.

    python -m benchmarks.pytorch.predict NET CHECKPOINT FOLDER --batch 128 --workers 2

A DataLoader whose workers decode with Pillow, scale the shorter side and crop as torchvision's
Resize and CenterCrop do; the same network; the five most probable classes as CSV.
"""

import csv
import sys
from pathlib import Path

import click
import numpy as np
import torch
from PIL import Image

from benchmarks.graphs import shipped_graph
from benchmarks.pytorch.feed import to_tensor
from benchmarks.pytorch.nets import TorchNet
from convnet.checkpoint import load


class Pictures(torch.utils.data.Dataset):
    """Image files as float32 (channels, crop, crop), less the mean, and their numbers."""

    def __init__(self, files, record):
        self._files, self._side, self._crop = files, record.side, record.inner_size
        border = (record.side - record.inner_size) // 2
        seen = slice(border, border + record.inner_size)
        self._mean = torch.tensor(np.array(record.mean)[:, seen, seen])

    def __len__(self):
        return len(self._files)

    def __getitem__(self, index):
        image = Image.open(self._files[index]).convert("RGB")
        scale = self._side / min(image.size)
        size = [max(self._side, round(length * scale)) for length in image.size]
        image = image.resize(size, Image.Resampling.BILINEAR)
        left, top = ((length - self._crop) // 2 for length in image.size)
        image = image.crop((left, top, left + self._crop, top + self._crop))
        return to_tensor(image) * 255 - self._mean, index


class Weights:
    """A checkpoint's arrays, as `TorchNet.take_weights` reads a network's."""

    def __init__(self, arrays):
        self.parameters = arrays

    @staticmethod
    def read(array):
        return array


@click.command()
@click.argument("net")
@click.argument("path")
@click.argument("folder", type=Path)
@click.option("--batch", default=128)
@click.option("--workers", default=2)
@click.option("--channels-last", is_flag=True)
def main(net, path, folder, batch, workers, channels_last):
    """Print the five most probable classes of each JPEG in a folder."""
    saved = load(path)
    module = TorchNet(shipped_graph(net)).eval()
    module.take_weights(Weights(saved.arrays))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    module = module.to(memory_format=layout)
    files = sorted(folder.rglob("*.jpg"))
    few = len(files) <= batch
    pictures = Pictures(files, saved.input)
    loader = torch.utils.data.DataLoader(pictures, batch, num_workers=0 if few else workers)
    out = csv.writer(sys.stdout)
    with torch.inference_mode():
        for images, indices in loader:
            images = module.padded(images).contiguous(memory_format=layout)
            top = torch.softmax(module(images), 1).topk(5)
            rows = zip(indices.tolist(), top.values.tolist(), top.indices.tolist(), strict=True)
            for index, values, labels in rows:
                for rank, (value, label) in enumerate(zip(values, labels, strict=True), 1):
                    out.writerow([files[index], rank, label, saved.class_names[label], value])


if __name__ == "__main__":
    main()
