"""Archives of development kits that were made to do harm: they are refused, or harm nothing."""

import gzip
import io
import tarfile

import pytest

from convnet.errors import DataError
from convnet.make_data import devkit
from convnet.make_data.devkit import read_devkit
from tests.make_data.test_mat import kit
from tests.support.imagenet_archives import gzipped, tar_of

META = "kit/data/meta.mat"


def packed(*members):
    """A compressed tar of (header, contents)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for header, contents in members:
            tar.addfile(header, io.BytesIO(contents))
    return gzip.compress(file.getvalue())


def header(name, size=0, **values):
    found = tarfile.TarInfo(name)
    found.size = size
    for key, value in values.items():
        setattr(found, key, value)
    return found


def read(tmp_path, contents):
    path = tmp_path / "kit.tar.gz"
    path.write_bytes(contents)
    return read_devkit(path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_link_is_not_followed(tmp_path, kind):
    (tmp_path / "meta.mat").write_bytes(kit()[META])
    link = header(META, type=kind, linkname=str(tmp_path / "meta.mat"))
    with pytest.raises(DataError, match="kit.tar.gz: has no data/meta.mat"):
        read(tmp_path, packed((link, b"")))


@pytest.mark.parametrize("kind", [tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_pipes_devices_and_folders_are_no_files(tmp_path, kind):
    with pytest.raises(DataError, match="kit.tar.gz: has no data/meta.mat"):
        read(tmp_path, packed((header(META, type=kind), b"")))


def test_paths_that_lead_out_write_nothing(tmp_path):
    names = {f"../../{META}": kit()[META], "/etc/ILSVRC2012_validation_ground_truth.txt": b"1\n2\n"}
    before = sorted(tmp_path.parent.iterdir())
    assert read(tmp_path, gzipped(tar_of(names))).truth == [1, 2]
    assert sorted(tmp_path.parent.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["kit.tar.gz"]


def test_a_stream_that_never_ends_is_refused(tmp_path, monkeypatch):
    """Zeros beyond the largest kit, in a few bytes; the limit is lowered to keep the test short."""
    monkeypatch.setattr(devkit, "_LARGEST_KIT", 8 << 20)
    bomb = header("kit/large.bin", 64 << 20)
    with pytest.raises(DataError, match="kit.tar.gz: is not a complete archive"):
        read(tmp_path, packed((bomb, bytes(64 << 20)), (header(META, 1), b"x")))


def test_a_file_of_another_size_than_stated(tmp_path, monkeypatch):
    monkeypatch.setattr(devkit, "_LARGEST_FILE", 1 << 20)
    with pytest.raises(DataError, match="has no data/meta.mat"):  # as it is too large to be one
        read(tmp_path, packed((header(META, 2 << 20), bytes(2 << 20))))
    cut = tar_of({META: kit()[META]})[:600]
    with pytest.raises(DataError, match="is not a complete archive of a development kit"):
        read(tmp_path, gzip.compress(cut))


def test_headers_that_want_memory(tmp_path):
    long = header("kit/" + "n" * (2 << 20), 1)
    with pytest.raises(DataError, match="is not a complete archive .*header of more than 1 MiB"):
        read(tmp_path, packed((long, b"x")))
