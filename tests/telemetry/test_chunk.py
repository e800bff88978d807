import pytest

from caponier.telemetry import chunk
from caponier.telemetry.chunk import CHUNK_BYTES, CHUNK_ROWS, Chunk
from caponier.telemetry.rejections import Rejection


@pytest.mark.parametrize(
    ("some", "full"),
    [
        (Chunk(), False),
        (Chunk(rows=[{}] * (CHUNK_ROWS - 1)), False),
        (Chunk(rows=[{}] * CHUNK_ROWS), True),
        (Chunk(rejections=[Rejection("a", 1, "bad")] * CHUNK_ROWS), True),
        (Chunk(bytes_read=CHUNK_BYTES), True),
    ],
)
def test_a_chunk_is_full_of_rows_rejections_or_bytes(some: chunk.Chunk, full: bool) -> None:
    assert some.full == full
