"""Small grey pictures as PNG files, for pages that ask nobody for anything."""

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray


def grey_png(pixels: NDArray[np.uint8]) -> bytes:
    """Return pixels (h, w) as a PNG file of 8-bit grey."""
    height, width = pixels.shape
    # Each line begins with its filter: none.
    lines = b"".join(b"\0" + line.tobytes() for line in np.ascontiguousarray(pixels))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in parts
    )


def data_url(picture: bytes) -> str:
    """Return a PNG as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
