import json
from typing import Any

from caponier.formats.strict_json import read_nodes as parse
from caponier.matrix.documents import findings
from caponier.matrix.documents.mention import apply
from caponier.matrix.versions.catalogue import load
from matrix.documents.old_atlas import old_atlas

ATLAS = {"matrix": "atlas", "id": "AML.T0045", "name": "ML Intellectual Property Theft"}
FOUNDING = {"matrix": "amltm-2020", "id": "AMLTM.IMPACT.02", "name": "Denial of ML Service", "color": "orange"}


def text(*techniques: Any, matrix: str = "amltm-2020") -> str:
    return json.dumps(
        {"schema": "caponier.findings/1", "matrix": matrix, "findings": [{}, {"techniques": list(techniques)}]}
    )


def test_each_technique_of_a_finding_is_read():
    written = text(ATLAS, FOUNDING, 1, {"id": 2})
    root = parse(written, "x")
    assert findings.is_findings(root)
    mentions = findings.read(written, root).mentions
    assert [(m.id, m.kind, m.name.value if m.name else None) for m in mentions] == [
        ("AML.T0045", "atlas", "ML Intellectual Property Theft"),
        ("AMLTM.IMPACT.02", "amltm-2020", "Denial of ML Service"),
    ]
    assert mentions[1].where == "findings[1].techniques[1]"


def test_the_version_that_the_document_names():
    for matrix, kind, said in [("atlas-4.4.0", "atlas", "4.4.0"), ("attack-enterprise-17.0", "attack", "17.0")]:
        written = text(matrix=matrix)
        assert findings.read(written, parse(written, "x")).version("", kind) == said
    written = text()
    assert findings.read(written, parse(written, "x")).said == ()


def test_other_json_is_none():
    assert not findings.is_findings(parse('{"schema": "caponier.findings/2"}', "x"))
    assert not findings.is_findings(parse("[]", "x"))


def test_the_version_is_carried_over():
    written = text(ATLAS, matrix="atlas-4.4.0")
    edits = list(findings.matrix_edits(parse(written, "x"), [], old_atlas(), load("atlas-5.6")))
    assert apply(written, edits) == text(ATLAS, matrix="atlas-5.6")


def test_an_entry_of_another_matrix_takes_its_name_and_loses_its_color():
    written = text(ATLAS, FOUNDING)
    edits = findings.matrix_edits(
        parse(written, "x"), ["findings[1].techniques[1]"], load("amltm-2020"), load("atlas-5.6")
    )
    plain = {key: value for key, value in FOUNDING.items() if key != "color"}
    assert apply(written, list(edits)) == text(ATLAS, {**plain, "matrix": "atlas"})
