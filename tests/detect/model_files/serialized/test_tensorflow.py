"""Graphs of TensorFlow: clean where every operator is known to compute, and there is nothing else in them."""

import json

import pytest

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.model_files.files import tensorflow
from caponier.detect.model_files.files.part import Budget
from detect.model_files.files.building import field, judged, verdict
from detect.model_files.files.test_named_formats import graph, library, node, saved

PLAIN = graph(b"Placeholder", b"MatMul", b"Const", b"Softmax")


@pytest.mark.parametrize("wrap", [saved, bytes], ids=["saved model", "frozen graph"])
def test_a_graph_that_only_computes_is_clean(wrap: type[bytes]) -> None:
    assert judged(wrap(PLAIN)).reasons == ()
    assert judged(wrap(PLAIN + library(b"Relu"))).reasons == ()


@pytest.mark.parametrize(
    "operator",
    [
        b"RestoreV2", b"Restore", b"InitializeTableFromTextFileV2", b"WholeFileReaderV2", b"TFRecordDataset",
        b"TextLineDatasetV2", b"PyFunc", b"EagerPyFunc", b"ReadFile", b"WriteFile", b"MatchingFiles", b"SaveV2",
        b"MergeV2Checkpoints", b"RemoteCall", b"GeneratorDataset", b"PrintV2", b"AudioSummary", b"Edge", b"XlaLaunch",
        b"ReaderReadV2", b"SqlDataset", b"LookupTableExportV2", b"CollectiveReduceV2", b"Send", b"TPUExecute",
    ],
)  # fmt: skip
def test_what_does_more_or_is_not_known_is_not_clean(operator: bytes) -> None:
    for content in (PLAIN + graph(operator), PLAIN + library(operator), saved(PLAIN + graph(operator))):
        judgement = judged(content)
        assert judgement.verdict is not Verdict.CLEAN
        assert operator.decode() in judgement.reason


@pytest.mark.parametrize("operator", [b"lower", b"__inference_f_1", b"Two>Words.x", b"", b"Mat\xc3\xa9"])
def test_operators_that_have_no_name_of_one_leave_it_open(operator: bytes) -> None:
    assert verdict(PLAIN + field(1, node(operator))) is Verdict.UNKNOWN


def test_a_node_without_a_name_leaves_it_open() -> None:
    assert verdict(PLAIN + field(1, field(2, b"PyFunc"))) is Verdict.UNKNOWN


def test_objects_beside_a_graph_leave_it_open() -> None:
    meta = field(1, field(4, b"serve")) + field(2, PLAIN) + field(7, field(1, b"metadata"))
    assert verdict(field(1, 1) + field(2, meta)) is Verdict.UNKNOWN


def test_a_graph_with_more_fields_than_are_read_leaves_it_open() -> None:
    budget = Budget.of(Limits(), 1)
    budget.fields_left = 40
    part = tensorflow.read(memoryview(PLAIN * 20), budget)
    assert part is None or part.unknown


def test_a_graph_that_is_a_program_as_well_is_not_clean() -> None:
    program = b"#\nimport os\nos.system('id')\nfor x in range(3):\n    print(x)\n"
    inner = field(1, program) + field(2, b"MatMul")
    assert verdict(field(1, inner)) is not Verdict.CLEAN


@pytest.mark.parametrize("name", [b"\nimport os\n" * 60_000, b"two words", b"#", b"\xff"])
def test_a_node_with_a_name_that_tensorflow_refuses_leaves_it_open(name: bytes) -> None:
    assert verdict(PLAIN + field(1, field(1, name) + field(2, b"MatMul"))) is Verdict.UNKNOWN
    assert verdict(PLAIN + field(1, field(1, b"scope_1/x.y") + field(2, b"MatMul"))) is Verdict.CLEAN


def layers(name: str) -> bytes:
    """What Keras writes of a model with one layer."""
    return json.dumps({"class_name": "Model", "config": {"layers": [{"class_name": name, "config": {}}]}}).encode()


@pytest.mark.parametrize(("name", "expected"), [("Lambda", Verdict.UNSAFE), ("Dense", Verdict.UNKNOWN)])
def test_layers_described_beside_a_graph_are_judged(name: str, expected: Verdict) -> None:
    kind = b"_tf_keras_layer"
    beside = judged(field(1, field(2, 0) + field(3, b"root") + field(4, kind) + field(5, layers(name))))
    assert (beside.kind, beside.verdict) == ("keras metadata", expected)
    user = field(1, kind) + field(3, layers(name))
    assert verdict(field(1, 1) + field(2, field(2, PLAIN) + field(7, field(1, field(4, user))))) is expected


@pytest.mark.parametrize("text", [layers("Lambda"), b"\n " + layers("Lambda")], ids=["plain", "as an attribute"])
def test_a_graph_whose_nodes_describe_layers_as_well_is_judged_as_both(text: bytes) -> None:
    """An attribute begins as white space does, and so it may be a description for Keras."""
    assert verdict(PLAIN + field(1, node(b"MatMul") + field(5, text))) is Verdict.UNSAFE


def test_a_brace_in_the_value_of_an_attribute_describes_nothing() -> None:
    attribute = field(1, b"transpose") + field(2, field(2, b"{}"))
    assert verdict(PLAIN + field(1, node(b"MatMul") + field(5, attribute))) is Verdict.CLEAN
