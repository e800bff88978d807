"""Columns that Arrow reads at once hold what rows read one by one do."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.telemetry import chunk
from telemetry.conftest import reading

NUMBERS = st.one_of(st.floats(-1e6, 1e6, width=32), st.integers(-9, 9), st.none(), st.just(1e39))
ROWS = st.lists(
    st.fixed_dictionaries(
        {"prediction": st.sampled_from(["a", "b", "", None])},
        optional={
            "features": st.one_of(st.none(), st.lists(NUMBERS, max_size=4)),
            "probabilities": st.one_of(
                st.none(), st.lists(st.one_of(st.floats(0, 1, width=32), st.none()), max_size=3)
            ),
            "user": st.sampled_from(["u", "v", "", None]),
        },
    ),
    min_size=1,
    max_size=12,
)
FIRST: dict[str, Any] = {"user": "u", "features": [0.5, 1.5], "prediction": "a", "probabilities": [0.25, 0.75]}


@settings(deadline=None, max_examples=60)
@given(ROWS)
def test_at_once_is_one_by_one(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]]) -> None:
    held = [{"ts": 1_767_605_400.5 + at, **row} for at, row in enumerate([FIRST] * 20 + rows)]
    path = tmp_path_factory.mktemp("a") / "a.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in held))
    whole = reading(path)
    # In chunks of ten the rows behind the first chunk are read as columns.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunk, "CHUNK_ROWS", 10)
        patch.setattr("caponier.telemetry.field_maps.choose.SAMPLE", 10)
        parts = reading(path)
    # NaN is not itself.
    assert str(parts.rows) == str(whole.rows)
    assert parts.rejected == whole.rejected
