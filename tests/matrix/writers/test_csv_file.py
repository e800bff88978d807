import csv
import io

from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.csv_file import to_csv


def test_has_a_line_for_every_entry_and_reads_back():
    matrix = load()
    rows = list(csv.DictReader(io.StringIO(to_csv(matrix, matrix.techniques))))
    assert [line["id"] for line in rows] == [entry.id for entry in matrix.techniques]
    assert rows[14]["name"] == "Alter Publicly Available, Pre-Trained Weights"
    assert [line["description"] for line in rows] == [entry.description for entry in matrix.techniques]


def test_starts_with_the_promised_columns():
    promised = "id,name,level,parent,tactics,color,attack,atlas,relation,harms,evidence,v1_id,"
    assert to_csv(load(), []).startswith(promised)
