"""Pictures in base64 in a log."""

import base64
import io

import pytest
from PIL import Image

from caponier.telemetry.field_maps.paths import Records, steps_of
from caponier.telemetry.framing.base64_pictures import are_pictures, picture_rows


def file_of(shade: int, form: str = "PNG") -> str:
    sink = io.BytesIO()
    Image.new("L", (32, 32), shade).save(sink, form)
    return base64.b64encode(sink.getvalue()).decode()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "TIFF"])
def test_a_picture_is_pooled(form: str) -> None:
    rows = picture_rows(file_of(51, form))
    assert rows is not None
    assert [len(row) for row in rows] == [16] * 16
    assert rows[3][5] == pytest.approx(0.2, abs=0.02)


def test_an_address_that_holds_the_picture_is_read_too() -> None:
    assert picture_rows(f"data:image/png;base64,{file_of(255)}") == [[1.0] * 16] * 16


@pytest.mark.parametrize(
    "value", [None, 7, "", "a text", "iVBORw0KGgo", "iVBORw0KGgo!", "/9j/" + "A" * 40, ["iVBORw0KGgo"]]
)
def test_what_is_no_picture_or_a_broken_one_is_missing(value: object) -> None:
    assert picture_rows(value) is None


def test_a_field_holds_pictures_where_all_of_a_sample_are() -> None:
    assert are_pictures([file_of(1), file_of(2)])
    assert not are_pictures([file_of(1), "somebody's text"])
    assert not are_pictures([])


def test_a_path_reads_pictures() -> None:
    found = Records([{"image": {"content": file_of(255)}}, {"image": {"content": "x"}}])
    assert found.values(steps_of("image.content|picture")) == [[[1.0] * 16] * 16, None]
