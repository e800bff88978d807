import json

import numpy as np
import pytest

from caponier.emulate.caller.model_api import ModelApi, scores_of, tensor
from caponier.emulate.caller.wire import Reply
from caponier.emulate.event_log import ServerLog
from caponier.emulate.images import Images
from emulate.wires import Scripted, local, predict


@pytest.fixture
def told() -> ServerLog:
    return ServerLog()


def test_what_is_asked_is_what_the_server_understands(told: ServerLog, pool: Images) -> None:
    api = ModelApi(local(told), "digits")
    assert api.ready().document()["ready"]
    assert api.metadata().document()["name"] == "digits"
    assert api.metadata("1").good
    assert scores_of(api.predict(pool[:3])) == pytest.approx(predict(pool[:3]), abs=1e-6)
    assert len(api.explain(pool[:2]).document()["explanations"]) == 2
    assert [row["operation"] for row in told.rows()] == [
        "health",
        "metadata",
        "metadata",
        *["predict"] * 3,
        *["explain"] * 2,
    ]


@pytest.mark.parametrize(
    ("mistake", "status"),
    [
        (lambda api, rows: api.predict(rows, shape=[1, 63]), 400),
        (lambda api, rows: api.predict(rows, datatype="FP16"), 400),
        (lambda api, rows: api.predict(rows, outputs=["logits"]), 400),
        (lambda api, rows: api.predict(rows, version="2"), 404),
        (lambda api, rows: api.explain(rows, "tree_shap"), 400),
        (lambda api, rows: api.infer({"instances": []}), 400),
        (lambda api, rows: api.metadata("latest"), 404),
    ],
)
def test_what_is_asked_wrongly_is_refused(told: ServerLog, pool: Images, mistake: object, status: int) -> None:
    assert mistake(ModelApi(local(told), "digits"), pool[:1]).status == status
    assert told.rows()[0]["status"] == status


def test_one_may_choose_outputs(told: ServerLog, pool: Images) -> None:
    (only,) = ModelApi(local(told), "digits").predict(pool[:1], outputs=["label"]).document()["outputs"]
    assert only["name"] == "label"


def test_paths_name_model_and_version() -> None:
    api = ModelApi(Scripted(lambda *_: Reply(200, b"")), "m")
    assert (api.path(), api.path("/infer"), api.path("/infer", "3")) == (
        "/v2/models/m",
        "/v2/models/m/infer",
        "/v2/models/m/versions/3/infer",
    )


def test_a_tensor_says_its_shape_or_another() -> None:
    rows = np.array([[0.5, 1]], np.float32)
    assert tensor(rows) == {"name": "input", "shape": [1, 2], "datatype": "FP32", "data": [0.5, 1.0]}
    assert tensor(rows, [2], "FP64")["shape"] == [2]


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (400, {"outputs": [{"name": "probabilities", "shape": [1, 2], "data": [0.5, 0.5]}]}),
        (200, {"outputs": [{"name": "label", "shape": [1], "data": [3]}]}),
        (200, {"ready": True}),
        (200, []),
    ],
)
def test_an_answer_without_scores_has_none(status: int, document: object) -> None:
    assert scores_of(Reply(status, json.dumps(document).encode())) is None
