"""Training rows as the log holds inputs: texts and forms are read as the log's reader reads them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.app.inference.baseline.training_rows import RAW, read_training_set, taken_as_they_stand, training_rows
from caponier.detect.training_sketch.sketch import holds, sketch
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.digests import row_keys, typed_rows
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.raw_inputs import NO_CATEGORY, code_of, counts_of, numbers_of

TEXT = FeatureSpec(kind="text").filled()
FORM = FeatureSpec(kind="categorical", shape=(3,), categories=(0, 2))
SALT = b"salt of a workspace"
MAILS = ("win a prize now", "the minutes of our meeting", "win a prize now")
FORMS = ('["red", 4, "yes"]', '["blue", 1.5, null]', '["red", null, "no"]')


def raw(*cells: str) -> np.ndarray:
    return np.array(cells, object)


class TestRawRows:
    def test_a_text_becomes_what_the_log_s_reader_makes_of_it(self) -> None:
        rows = training_rows(raw(*MAILS), TEXT)
        assert rows.shape == (3, 256)
        assert all(np.array_equal(row, counts_of(text)) for row, text in zip(rows, MAILS, strict=True))

    def test_a_form_has_categories_by_their_names_and_one_with_a_number_missing_is_left_out(self) -> None:
        rows = training_rows(raw(*FORMS), FORM)
        assert rows.tolist() == [[code_of("red"), 4, code_of("yes")], [code_of("blue"), 1.5, NO_CATEGORY]]

    @pytest.mark.parametrize(("cells", "spec"), [(MAILS, TEXT), (FORMS[:2], FORM)])
    def test_whoever_sends_such_a_row_sends_a_training_row(self, cells: tuple[str, ...], spec: FeatureSpec) -> None:
        kept = sketch(training_rows(raw(*cells), spec), spec, SALT)
        sent = np.stack([numbers for one in cells if (numbers := numbers_of(one, spec)) is not None])
        other = sent + np.float32(1)
        assert holds(kept, row_keys(typed_rows(sent, spec.dtype), SALT)).all()
        assert not holds(kept, row_keys(typed_rows(other, spec.dtype), SALT)).any()

    def test_numbers_stay_what_they_are(self) -> None:
        rows = np.arange(6, dtype=np.float32).reshape(2, 3)
        assert training_rows(rows, FORM) is rows

    @pytest.mark.parametrize("cell", ["no JSON", "[1]", "{}", "7", "[[1], 2, 3]"])
    def test_rows_of_another_kind_are_refused_and_one_among_good_ones_is_left_out(self, cell: str) -> None:
        with pytest.raises(InputError, match="none of 2 raw inputs of the training set can be read") as told:
            training_rows(raw(cell, cell), FORM)
        assert "as the log does" in str(told.value.hint)
        assert len(training_rows(raw(cell, FORMS[0]), FORM)) == 1

    def test_nothing_is_said_of_the_order_of_columns_that_no_numbers_are_taken_in(self) -> None:
        named = FeatureSpec(kind="numeric", shape=(2,), columns=({"name": "age"}, {"name": "income"}))  # type: ignore[arg-type]
        assert taken_as_they_stand(raw("[1, 2]"), named) is None
        assert "age, income" in str(taken_as_they_stand(np.ones((2, 2)), named))


class TestReadTrainingSet:
    def test_a_column_of_raw_inputs_needs_no_label(self, tmp_path: Path) -> None:
        lines = "".join(f"{json.dumps({RAW: text, 'spam': 1})}\n" for text in MAILS)
        for name, data in (("a.jsonl", lines.encode()), ("b.jsonl.gz", gzip.compress(lines.encode()))):
            path = tmp_path / name
            path.write_bytes(data)
            read = read_training_set(path)
            assert isinstance(read, np.ndarray)
            assert read.tolist() == list(MAILS)

    def test_of_a_log_s_parquet_the_events_without_an_input_are_passed_over(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.parquet"
        pq.write_table(pa.table({RAW: [FORMS[0], None, FORMS[1]]}), path)
        read = read_training_set(path)
        assert isinstance(read, np.ndarray)
        assert read.tolist() == list(FORMS[:2])

    def test_any_other_table_is_a_data_set_with_a_label(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.csv"
        path.write_text("age,income,label\n1,2,a\n3,4,b\n")
        assert isinstance(read_training_set(path, Columns(label="label")), Dataset)
        with pytest.raises(InputError):
            read_training_set(path)

    def test_an_archive_is_a_data_set(self, tmp_path: Path) -> None:
        path = tmp_path / "rows.npz"
        np.savez(path, x=np.ones((3, 2)), y=np.array([0, 1, 0]))
        read = read_training_set(path)
        assert isinstance(read, Dataset)
        assert read.x.shape == (3, 2)

    def test_a_file_that_is_empty_or_missing_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "empty").touch()
        for name in ("empty", "missing"):
            with pytest.raises(InputError):
                read_training_set(tmp_path / name)
