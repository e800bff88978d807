from datetime import timedelta

import pytest

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.event_log import Deployment, ServerLog
from caponier.emulate.images import Images
from caponier.emulate.simulation.trace import EPOCH
from caponier.emulate.victims.client import RemoteWire
from caponier.emulate.victims.in_process import ANSWERED_IN, LocalWire
from emulate.conftest import Served
from emulate.wires import local, predict

REQUESTS = (
    ("GET", "/v2/models/digits", None),
    ("GET", "/v2/models/digits/versions/9", None),
    ("GET", "/v2/models/other", None),
    ("GET", "/v2/health/live", None),
    ("POST", "/v2", b"x"),
    ("POST", "/v2/models/digits/infer", b"{"),
    ("PUT", "/v2/models/digits/infer", None),
    ("POST", "/v1/models/digits:explain", b"{}"),
    ("GET", "/nowhere?a=b", None),
)


def test_a_service_in_this_process_answers_as_one_over_http(served: Served) -> None:
    log = ServerLog()
    inside = local(log)
    with RemoteWire(served.server.url, "alice") as outside:
        for request in REQUESTS:
            assert inside.send(*request) == outside.send(*request), request
    columns = ("operation", "status", "model", "principal")
    assert [[row[name] for name in columns] for row in log.rows()] == [
        [row[name] for name in columns] for row in served.log.rows()
    ]


def test_it_has_a_time_of_its_own(pool: Images) -> None:
    log = ServerLog()
    wire = local(log)
    ModelApi(wire, "digits").predict(pool[:1])
    wire.wait(86_400)
    ModelApi(wire, "digits").predict(pool[:1])
    assert [row["time"] for row in log.rows()] == [EPOCH, EPOCH + timedelta(days=1) + ANSWERED_IN]


@pytest.mark.parametrize(("there", "status"), [(True, 200), (False, 503)])
def test_in_an_outage_it_says_so(pool: Images, there: bool, status: int) -> None:
    log = ServerLog()
    wire = LocalWire(predict, Deployment(), log.record, "alice", EPOCH, available=lambda _: there)
    api = ModelApi(wire, "digits")
    answers = [api.predict(pool[:1]), api.explain(pool[:1]), api.metadata(), api.ready()]
    assert {reply.status for reply in answers} == {status}
    assert {row["principal"] for row in log.rows()} == {"alice"}


def test_the_address_is_the_caller_s() -> None:
    log = ServerLog()
    local(log, address="192.0.2.9").send("GET", "/v2/models/digits")
    assert log.rows()[0]["source_ip"] == "192.0.2.9"
