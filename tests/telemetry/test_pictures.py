import io
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry import pictures
from caponier.telemetry.features import Encoder
from caponier.telemetry.pictures import pooled

RNG = np.random.default_rng(3)


def file_of(pixels: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    held = io.BytesIO()
    Image.fromarray(pixels).save(held, kind)
    return held.getvalue()


def test_a_picture_is_pooled_as_the_scale_of_a_scan_does_it() -> None:
    pixels = RNG.integers(0, 256, (224, 224, 3), np.uint8)
    spec = FeatureSpec(kind="image", shape=(224, 224, 3), minimum=0.0, maximum=1.0)
    flat = (pixels.astype(np.float32) / 255).reshape(1, -1)
    encoded = Encoder.fit(spec, flat).encode(flat)[0]
    assert np.abs(np.rint(pooled(file_of(pixels)) * 127) - encoded).max() <= 1


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP"])
@pytest.mark.parametrize("shape", [(224, 224, 3), (224, 224), (37, 301, 3), (5, 3, 3)])
def test_any_format_and_size_gives_256_values(kind: str, shape: tuple[int, ...]) -> None:
    values = pooled(file_of(RNG.integers(0, 256, shape, np.uint8), kind))
    assert values.shape == (256,)
    assert values.dtype == np.float32
    assert 0 <= values.min() <= values.max() <= 1


def test_one_pixel_makes_a_difference() -> None:
    pixels = RNG.integers(0, 200, (224, 224, 3), np.uint8)
    other = pixels.copy()
    other[100, 100, 0] += 1
    changed = np.flatnonzero(pooled(file_of(pixels)) != pooled(file_of(other)))
    assert changed.tolist() == [100 // 14 * 16 + 100 // 14]


@pytest.mark.parametrize(
    "file", [b"", b"no picture", file_of(RNG.integers(0, 256, (64, 64, 3), np.uint8), "JPEG")[:400]]
)
def test_what_is_no_picture_is_refused(file: bytes) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        pooled(file)


def test_a_file_that_is_too_large_is_not_opened() -> None:
    with pytest.raises(InputError, match="20,971,521 bytes"):
        pooled(b"\0" * (pictures.MOST_BYTES + 1))


def test_a_small_file_does_not_unfold_to_a_huge_picture() -> None:
    file = file_of(np.zeros((2000, 2000), np.uint8))
    assert len(file) < 20_000
    with patch.object(pictures, "MOST_PIXELS", 1_000_000), pytest.raises(InputError, match="4,000,000 pixels"):
        pooled(file)
