"""Pictures in files (JPEG, PNG and others) as what a log needs of them: 16 x 16 grey values.

A picture of 224 x 224 pixels in three colours is 150,528 numbers, and similarity is told by 256 (`telemetry.features`).
Whoever writes the log can pool them first, and keep a log that is six hundred times smaller.
"""

import io
import warnings
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.extras import needs
from caponier.telemetry.features import POOLED_SIDE

if TYPE_CHECKING:
    from PIL import Image

MOST_BYTES: Final = 20 * 2**20
MOST_PIXELS: Final = 16_000_000
"""A small file may unfold to a picture of any size; while it is decoded, a pixel takes up to ten bytes."""
FREE_PIXELS: Final = 2**18
"""Of a picture that is decoded whatever its file's size: it takes milliseconds."""
MOST_PER_BYTE: Final = 512
"""Pixels for each byte of a file beyond that: a photograph has fewer than a hundred. What unfolds to more is there to
keep whoever reads a log busy."""
FORMATS: Final = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF")
"""Of what Pillow reads: others start programs of their own, such as PostScript's."""
MOST_SIDE: Final = 32_768
"""Pixels of width or height: a picture of one line is no picture, and pooling it costs more than its size says."""
STRIP: Final = 2**20
"""Pixels that are made numbers at a time."""


def pooled(file: bytes, per_byte: int | None = None) -> NDArray[np.float32]:
    """Return a picture as means (256,) of its brightness from 0 to 1, row-major, whatever its size.

    They are not rounded: two pictures that differ in one pixel differ here, too. Log them as `input` with the
    `input_shape` [16, 16].

    Args:
        file: Content of the file.
        per_byte: Pixels that a byte of the file may unfold to at most, beyond FREE_PIXELS; None for any number. It is
            told by what the file declares, before anything is decoded.

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
            with Image.open(io.BytesIO(file), formats=FORMATS) as picture:
                width, height = picture.size
                if width * height > MOST_PIXELS:
                    raise InputError(f"the picture has {width * height:,} pixels, more than {MOST_PIXELS:,}")
                if per_byte is not None and width * height > max(FREE_PIXELS, per_byte * len(file)):
                    raise InputError(f"the picture of {len(file):,} bytes unfolds to {width * height:,} pixels")
                if max(width, height) > MOST_SIDE:
                    raise InputError(f"the picture is {max(width, height):,} pixels long, more than {MOST_SIDE:,}")
                lines = max(1, STRIP // width)
                strips = [_narrowed(picture, top, lines) for top in range(0, height, lines)]
        small = Image.fromarray(np.concatenate(strips)).resize((POOLED_SIDE, POOLED_SIDE), Image.Resampling.BOX)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as broken:
        raise InputError(f"the picture cannot be read: {broken}") from broken
    values: NDArray[np.float32] = np.asarray(small, np.float32).reshape(-1)
    return values


def _narrowed(picture: "Image.Image", top: int, lines: int) -> NDArray[np.float32]:
    """Return the brightness of a strip of a picture, (lines, 16): pooled across, as all of it would be in one go."""
    from PIL import Image

    width, height = picture.size
    strip = picture.crop((0, top, width, min(height, top + lines))).convert("RGB")
    grey = np.asarray(strip, np.float32).mean(axis=2) / 255
    across = Image.fromarray(grey).resize((POOLED_SIDE, len(grey)), Image.Resampling.BOX)
    return np.asarray(across, np.float32)
