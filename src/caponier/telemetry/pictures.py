"""Pictures in files (JPEG, PNG and others) as what a log needs of them: 16 x 16 grey values.

A picture of 224 x 224 pixels in three colours is 150,528 numbers, and similarity is told by 256 (`telemetry.features`).
Whoever writes the log can pool them first, and keep a log that is six hundred times smaller.
"""

import io
import warnings
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.extras import needs
from caponier.telemetry.features import POOLED_SIDE

MOST_BYTES: Final = 20 * 2**20
MOST_PIXELS: Final = 50_000_000
"""A small file may unfold to a picture of any size."""


def pooled(file: bytes) -> NDArray[np.float32]:
    """Return a picture as means (256,) of its brightness from 0 to 1, row-major, whatever its size.

    They are not rounded: two pictures that differ in one pixel differ here, too. Log them as `input` with the
    `input_shape` [16, 16].

    Args:
        file: Content of the file.

    Raises:
        InputError: If it cannot be read, or is too large.
    """
    with needs("emulate", "Reading pictures"):
        from PIL import Image
    if len(file) > MOST_BYTES:
        raise InputError(f"the picture has {len(file):,} bytes, more than {MOST_BYTES:,}")
    try:
        with warnings.catch_warnings():
            # The limit here is a lower one than that of the library, which only warns.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(file)) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise InputError(f"the picture has {width * height:,} pixels, more than {MOST_PIXELS:,}")
                grey = np.asarray(picture.convert("RGB"), np.float32).mean(axis=2) / 255
        small = Image.fromarray(grey).resize((POOLED_SIDE, POOLED_SIDE), Image.Resampling.BOX)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as broken:
        raise InputError(f"the picture cannot be read: {broken}") from broken
    values: NDArray[np.float32] = np.asarray(small, np.float32).reshape(-1)
    return values
