"""Packaging.  Tool settings are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="convnet",
    version="0.1.0",
    description="Convolutional networks declared in cuda-convnet's text files, trained with Numba",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    python_requires=">=3.11",
    packages=find_packages(include=["convnet", "convnet.*"]),
    package_data={"convnet": ["language/*.lark", "data/datasets/*.npz", "data/datasets/*.txt"]},
    install_requires=[
        "numba>=0.61",
        "numpy>=2.0,<2.5",  # the CUDA kernels' compiler needs a NumPy below 2.5
        "pillow>=10.3",
        "lark>=1.1.9",
        "click>=8.1.7",
        "safetensors>=0.4.3",
        "rich>=13.7",
    ],
    extras_require={
        # For --device cuda: Numba's CUDA target and NVIDIA's compilers; the driver comes beside.
        "cuda": ["numba-cuda[cu13]>=0.30.4,<0.31"],
        # JPEGs are decoded faster than with Pillow, to the same pixels (docs/performance.md).
        "jpeg": ["simplejpeg>=1.9"],
        # PyTorch is the second, independent reference of the tests; nothing else uses it.
        # greenlet runs the threads of Numba's CUDA simulator; nvdisasm shows what kernels became.
        "test": [
            "pytest>=8",
            "pytest-xdist>=3.6",
            "hypothesis>=6.100",
            "ruff>=0.6",
            "torch==2.13.0",
            "greenlet>=3",
            "numba-cuda[cu13]>=0.30.4,<0.31",
            "nvidia-cuda-nvdisasm>=13,<14",
            "simplejpeg>=1.9",
        ],
        "bench": ["torch==2.13.0", "simplejpeg>=1.9"],
    },
    entry_points={"console_scripts": ["convnet = convnet.cli:main"]},
)
