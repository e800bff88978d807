import base64
import io
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry import pictures
from caponier.telemetry.features import Encoder
from caponier.telemetry.framing.base64_pictures import picture_rows
from caponier.telemetry.pictures import MOST_PER_BYTE, pooled
from program import printed

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


def test_a_picture_of_one_line_is_refused() -> None:
    for shape in ((1, pictures.MOST_SIDE + 1), (pictures.MOST_SIDE + 1, 1)):
        with pytest.raises(InputError, match="32,769 pixels long"):
            pooled(file_of(np.zeros(shape, np.uint8)))


def test_a_program_of_postscript_is_not_run() -> None:
    with pytest.raises(InputError, match="cannot be read"):
        pooled(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")


COST = """
import sys
from pathlib import Path
from caponier.telemetry.pictures import pooled
from pace import Stopwatch
from program import peak
pooled(Path(sys.argv[1]).read_bytes())
file = Path(sys.argv[2]).read_bytes()
held = peak()
with Stopwatch() as watch:
    pooled(file)
    grown = peak() - held
print(grown, watch.seconds)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "size", "kind", "options"),
    [
        ("RGBA", (4_000, 4_000), "PNG", {}),
        ("I;16", (4_000, 4_000), "PNG", {}),
        ("P", (4_000, 4_000), "GIF", {}),
        ("RGB", (4_000, 4_000), "JPEG", {"progressive": True}),
        ("CMYK", (4_000, 4_000), "JPEG", {}),
        ("RGB", (4_000, 4_000), "WEBP", {"lossless": True}),
        ("RGB", (4_000, 4_000), "TIFF", {"compression": "tiff_adobe_deflate"}),
        ("RGB", (32_768, 488), "PNG", {}),
        ("RGB", (488, 32_768), "PNG", {}),
    ],
)
def test_a_small_file_costs_little(
    tmp_path: Path, mode: str, size: tuple[int, int], kind: str, options: dict[str, Any]
) -> None:
    for name, extent in (("warm", (20, 20)), ("file", size)):
        Image.new(mode, extent).save(tmp_path / name, kind, **options)
    assert (tmp_path / "file").stat().st_size < 1_000_000
    megabytes, seconds = map(float, printed(COST, tmp_path / "warm", tmp_path / "file").split())
    # WebP, whose decoder keeps three copies, takes 244.
    assert megabytes < 300
    assert seconds < 4


def test_a_small_file_that_unfolds_far_is_refused_by_what_it_declares() -> None:
    held = io.BytesIO()
    Image.new("1", (4_000, 4_000)).save(held, "PNG")
    assert len(held.getvalue()) < 2**13
    with patch.object(Image.Image, "crop", side_effect=AssertionError("it was decoded")):
        with pytest.raises(InputError, match="unfolds to 16,000,000 pixels"):
            pooled(held.getvalue(), MOST_PER_BYTE)
        # In a log it is a row whose input cannot be read, and costs nobody anything.
        assert picture_rows(base64.b64encode(held.getvalue()).decode()) is None


def test_a_plain_page_of_a_usual_size_is_read() -> None:
    assert set(pooled(file_of(np.full((500, 500, 3), 255, np.uint8)), MOST_PER_BYTE).tolist()) == {1.0}
