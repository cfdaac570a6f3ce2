"""Which files are packaged.  All other metadata is in pyproject.toml."""

from setuptools import find_packages, setup

# Folders of text files that stay at the top of the repository (convnet/nets/__init__.py).
NETS = {"convnet.nets.layers": "layers", "convnet.nets.params": "params"}

setup(
    packages=[*find_packages(include=["convnet", "convnet.*"]), *NETS],
    package_dir=NETS,
    package_data={
        "convnet": [
            "py.typed",
            "html/assets/*",
            "**/*.lark",
            "data/datasets/*.npz",
            "data/datasets/*.txt",
            "nets/trained/*",
        ],
        "convnet.nets.layers": ["*.cfg"],
        "convnet.nets.params": ["*.params"],
    },
)
