"""Archives and compressed files that may be damaged or hostile: their errors, and bounds."""

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

_CHUNK = 1 << 20  # bytes
# Zeros are packed 1,000 times smaller; weights and photos hardly, drawings some 20 times.
MOST_PER_BYTE = 50
ALWAYS_ALLOWED = 64 << 20  # bytes unpacked, however small the archive is


class Damaged(Exception):
    """An archive that cannot be unpacked; the message says what was found."""


@contextmanager
def unpacking() -> Iterator[None]:
    """Turn every error of the libraries that unpack archives into Damaged.

    They raise, for damaged bytes, nearly every exception there is: the ones of their own, those of
    the parsing of numbers and texts, and RecursionError.  Hence only calls of these libraries
    belong in the block.  An OSError of the operating system, which has a number, passes.
    """
    try:
        yield
    except Damaged:
        raise
    except OSError as problem:
        if problem.errno is not None:
            raise
        raise Damaged(_told(problem)) from None
    except MemoryError:
        raise Damaged("it asks for more memory than there is") from None
    except RecursionError:
        raise Damaged("its headers are nested too deep") from None
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, struct.error) as problem:
        raise Damaged(_told(problem)) from None
    except RuntimeError as problem:  # zipfile: encrypted
        raise Damaged(_told(problem)) from None
    except Exception as problem:
        raise Damaged(f"a header is malformed ({type(problem).__name__})") from None


def _told(problem: Exception) -> str:
    if isinstance(problem, EOFError):
        return "it is truncated"
    return str(problem)[:200] or type(problem).__name__


def unpack(file: IO[bytes], packed: int, most: int) -> bytes:
    """Return what a decompressing file holds, counted as it comes.

    packed: bytes of the compressed file.  Damaged if it holds more than `most` bytes, or more than
    50 times `packed` (64 MiB are always allowed), or cannot be unpacked.
    """
    allowed = min(most, max(MOST_PER_BYTE * packed, ALWAYS_ALLOWED))
    found = io.BytesIO()
    while True:
        with unpacking():
            chunk = file.read(_CHUNK)
        if not chunk:
            return found.getvalue()
        found.write(chunk)
        if found.tell() > allowed:
            raise Damaged(
                f"its {packed:,} bytes unpack to more than {allowed:,}; no file of this kind does"
            )
