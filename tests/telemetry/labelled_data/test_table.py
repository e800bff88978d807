import io
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.errors import InputError
from caponier.telemetry.labelled_data import sheet
from caponier.telemetry.labelled_data.dataset import Columns
from caponier.telemetry.labelled_data.datasets import read_dataset
from caponier.telemetry.labelled_data.table import read

Y = Columns(label="y")


def parquet(table: pa.Table) -> bytes:
    data = io.BytesIO()
    pq.write_table(table, data)
    return data.getvalue()


def test_dictionaries_booleans_and_dates(tmp_path: Path) -> None:
    table = pa.table(
        {
            "word": pa.array(["u", "v", "u"]).dictionary_encode(),
            "flag": [True, False, None],
            "day": pa.array([1, 2, 3], pa.date32()),
            "y": ["a", "b", "a"],
        }
    )
    found = read(Path("a"), parquet(table), "d", Y)
    assert found.features == ("word=u", "word=v", "flag", "flag is missing")
    assert "'day' is left out" in found.notes[0]


def test_a_file_that_claims_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet, "ROWS", 2)
    with pytest.raises(InputError, match="more than 2 rows"):
        read(Path("a"), parquet(pa.table({"a": [1, 2, 3], "y": [1, 2, 3]})), "d", Y)
    with pytest.raises(InputError, match="more than 2 rows"):
        read(Path("a"), b"a,y\n1,1\n2,2\n3,3\n", "d", Y)


def test_a_truncated_parquet_file_is_refused() -> None:
    data = parquet(pa.table({"a": [1, 2], "y": [1, 2]}))
    with pytest.raises(InputError, match="Parquet"):
        read(Path("a"), data[:-20], "d", Y)


def test_a_label_that_is_a_list_is_refused() -> None:
    with pytest.raises(InputError, match="neither text nor a number"):
        read(Path("a"), parquet(pa.table({"a": [1], "y": [[1]]})), "d", Y)


def test_windows_line_ends_and_a_mark_at_the_start() -> None:
    found = read(Path("a"), b"\xef\xbb\xbfa,y\r\n1,u\r\n2,v\r\n", "d", Y)
    assert found.given == ["u", "v"]
    assert found.features == ("a",)


def test_quotes_within_a_line() -> None:
    found = read(Path("a"), b'a,"y"\n1,"u, v"\n2,"say ""w"""\n', "d", Y)
    assert found.given == ["u, v", 'say "w"']


@pytest.mark.parametrize("header", [b"y\n1\n", b"a,a,y\n1,1,1\n", b'"a,y\n1,1\n'])
def test_a_bad_header_is_refused(header: bytes) -> None:
    with pytest.raises(InputError, match="no header"):
        read(Path("a"), header, "d", Y)


def test_no_feature_at_all_is_refused() -> None:
    with pytest.raises(InputError, match="no column besides the label"):
        read(Path("a"), b"y,id\nu,1\nv,2\n", "d", Columns(label="y", id="id"))


@pytest.mark.parametrize("head", [b"x,y\n", b"x,y"])
def test_a_header_without_rows_is_refused(head: bytes) -> None:
    with pytest.raises(InputError, match="no rows"):
        read(Path("a"), head, "d", Y)


def test_labels_that_were_typed_in_several_ways_are_noted_and_stay_apart() -> None:
    found = read(Path("a"), b"x,y\n1,yes\n2,Yes \n3,no\n4,1\n5,1.0\n", "d", Y)
    assert len(found.classes) == 5
    assert len(found.notes) == 2
    assert any("'Yes ' and 'yes' differ only in how they are written" in note for note in found.notes)
    assert any("'1' and '1.0'" in note for note in found.notes)
    assert not read(Path("a"), b"x,y\n1,yes\n2,no\n", "d", Y).notes


def test_of_many_labels_typed_in_several_ways_some_are_noted() -> None:
    cells = "".join(f"{at},{word}\n" for at in range(9) for word in (f"l{at}", f"L{at}"))
    assert len(read(Path("a"), b"x,y\n" + cells.encode(), "d", Y).notes) == 5


def test_decimal_commas_percents_and_words_for_gaps_are_numbers(tmp_path: Path) -> None:
    rows = [f"{at},5;{'NA' if at % 3 else f'1.{at:03d},25'};{at}%;{'ab'[at % 2]}" for at in range(30)]
    file = tmp_path / "prices.csv"
    file.write_text("\n".join(["Fläche;Preis;Anteil;Klasse", *rows]))
    held = read_dataset(file, Columns(label="Klasse"))
    assert held.features == ("Fläche", "Preis", "Preis is missing", "Anteil")
    assert held.x[3].tolist() == [3.5, 1003.25, 0.0, 3.0]
    assert held.x[:, 2].sum() == 20
    assert not held.notes
    assert not held.rejections


def test_exact_decimals_are_numbers(tmp_path: Path) -> None:
    table = pa.table({"price": pa.array([Decimal("1.50"), Decimal("2.25"), None]), "y": ["a", "b", "a"]})
    pq.write_table(table, tmp_path / "prices.parquet")
    held = read_dataset(tmp_path / "prices.parquet", Columns(label="y"))
    assert held.features == ("price", "price is missing")
    assert held.x[:2, 0].tolist() == [1.5, 2.25]
