"""The document of findings is one: the same parts in the same order, whoever prints it."""

import json
from pathlib import Path

from caponier.matrix.documents.reading import read
from caponier.records.finding import Finding
from caponier.records.findings_document import findings_document
from caponier.records.skip import Skip
from respond.made import finding


def test_what_a_scan_says_stands_in_its_place() -> None:
    made = findings_document(
        "atlas-5.6",
        [finding(1)],
        skipped=[Skip("m: novelty", "needs a baseline")],
        rejected=(2, Path("bad.jsonl")),
        parts={"notes": ["n"], "context": [], "scanned": [], "dataset": {}, "suspicious": []},
    )
    assert list(made) == [
        *("schema", "matrix", "dataset", "findings", "suspicious"),
        *("scanned", "context", "skipped", "rejected", "notes"),
    ]
    assert made["matrix"] == "atlas-5.6"
    assert Finding.from_dict(made["findings"][0]) == finding(1)
    assert made["skipped"] == [{"what": "m: novelty", "reason": "needs a baseline"}]
    assert made["rejected"] == {"rows": 2, "file": "bad.jsonl"}


def test_parts_that_a_scan_does_not_have_are_left_out() -> None:
    made = findings_document("amltm-2020", [])
    assert list(made) == ["schema", "matrix", "findings", "skipped", "rejected"]
    assert (made["findings"], made["skipped"]) == ([], [])


def test_a_file_is_named_only_where_it_was_written() -> None:
    assert findings_document("amltm-2020", [], rejected=(0, Path("bad.jsonl")))["rejected"] == {"rows": 0, "file": None}
    assert findings_document("amltm-2020", [], rejected=(3, None))["rejected"] == {"rows": 3, "file": None}


def test_whoever_checks_documents_knows_it() -> None:
    text = json.dumps(findings_document("amltm-2020", [finding(1)]))
    document = read(text.encode(), "f.json")
    assert document is not None
    assert document.mentions
