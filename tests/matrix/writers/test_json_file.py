import json

from caponier.matrix.versions.catalogue import load
from caponier.matrix.writers.json_file import to_json


def test_document_names_its_schema_and_source():
    told = json.loads(to_json(load(), load().techniques))
    assert told["schema"] == "caponier.matrix-entries/1"
    assert (told["matrix"], told["released"], told["repository"]) == (
        "amltm-2020",
        "2020-10-23",
        "mitre/advmlthreatmatrix",
    )
    assert (len(told["tactics"]), len(told["techniques"])) == (7, 58)


def test_tactics_can_be_chosen():
    assert json.loads(to_json(load(), [], []))["tactics"] == []
