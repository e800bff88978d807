"""What a path asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.guard import call as call_module
from caponier.guard.call import NAME_LIMIT, Call, call_of, path_of
from caponier.records.event import OPERATIONS


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("POST", "/v2/models/m/infer", Call("predict", "m")),
        ("POST", "/v2/models/m/versions/3/infer", Call("predict", "m", "3")),
        ("POST", "/v2/models/m/infer/", Call("predict", "m")),
        ("POST", "/v2/models/m/generate_stream", Call("predict", "m")),
        ("POST", "/v1/models/m:predict", Call("predict", "m")),
        ("POST", "/v1/models/m:explain", Call("explain", "m")),
        ("GET", "/v1/models/m", Call("metadata", "m")),
        ("GET", "/v2/models/m", Call("metadata", "m")),
        ("GET", "/v2", Call("metadata")),
        ("GET", "/v2/health/ready", Call("health")),
        ("HEAD", "/v2/models/m/ready", Call("health", "m")),
        ("POST", "/v2/models/m/infer_stream", Call("predict", "m")),
        ("POST", "/v2/models/m/versions/3/infer_stream", Call("predict", "m", "3")),
        ("POST", "/v1/models/m/versions/3:predict", Call("predict", "m", "3")),
        ("POST", "/v1/models/m/labels/canary:classify", Call("predict", "m", "canary")),
        ("POST", "/predictions/m", Call("predict", "m")),
        ("POST", "/predictions/m/2.0", Call("predict", "m", "2.0")),
        ("POST", "/explanations/m", Call("explain", "m")),
        ("POST", "/invocations", Call("predict")),
        ("GET", "/v1/models/m/metadata", Call("metadata", "m")),
        ("GET", "/v2/models/m/stats", Call("other", "m")),
        ("POST", "/v2/repository/index", Call("other")),
        ("POST", "/v2/models/x/..;/m/infer", Call("other", unknown=True)),
        ("POST", "/v2/models/x/..;a=1/m/infer", Call("other", unknown=True)),
        ("POST", "/v2/models/x\\..\\m\\infer", Call("metadata", unknown=True)),
        ("POST", "/v2/models/x\\..\\m/infer2", Call("other", unknown=True)),
        ("POST", "/v2/models/x/%2e%2e/m/infer", Call("other", unknown=True)),
        ("POST", "/predictions/x/1/..;/m", Call("other", unknown=True)),
        ("POST", "/v2/models/m/ready", Call("other", "m", unknown=True)),
        ("POST", "/v2/models/m", Call("metadata", "m", unknown=True)),
        ("POST", "/v2/models/m/infer_later", Call("other", "m", unknown=True)),
        ("POST", "/v2/models/m/versions/3/a/b", Call("other", "m", "3", unknown=True)),
        ("PUT", "/v1/models/m:guess", Call("other", "m", unknown=True)),
        ("POST", "/V2/Models/m/Infer", Call("predict", "m")),
        ("POST", "/V1/models/Fraud/VERSIONS/3:Predict", Call("predict", "Fraud", "3")),
        ("POST", "/Invocations", Call("predict")),
        ("GET", "/V2/Health/Ready", Call("other")),
        ("GET", "/v2/models/m/Ready", Call("other", "m")),
        ("GET", "/Ping", Call("other")),
        ("POST", "/V2/models/m/load", Call("other", unknown=True)),
        ("POST", "/score", Call("other", unknown=True)),
        ("OPTIONS", "/score", Call("other")),
        ("POST", "/v2/repository/models/m/load", Call("load", "m")),
        ("POST", "/v1/models/m/labels/stable:classify", Call("predict", "m", "stable")),
        ("GET", "/ping", Call("health")),
        ("POST", "/ping", Call("other", unknown=True)),
        ("GET", "/", Call("other")),
        ("GET", "", Call("other")),
        ("GET", "/v2/models//infer", Call("metadata", "infer")),
    ],
)
def test_paths(method: str, path: str, call: Call) -> None:
    assert call_of(method, path) == call


@pytest.mark.parametrize(
    "detour",
    [
        "//v2/models/m/infer",
        "/v2//models/m/infer",
        "/v2/./models/m/infer",
        "/v2/x/../models/m/infer",
        "/../v2/models/m/infer",
    ],
)
def test_detours_are_what_they_lead_to(detour: str) -> None:
    assert call_of("POST", detour) == Call("predict", "m")


@given(st.sampled_from(["GET", "POST"]), st.text(max_size=500))
def test_any_path_is_some_operation(method: str, path: str) -> None:
    call = call_of(method, path)
    assert call.operation in OPERATIONS
    assert len(call.model or "") <= NAME_LIMIT


@pytest.mark.parametrize(
    ("path", "root", "found"),
    [
        ("/api/v1/models/m:predict", "/api", "/v1/models/m:predict"),
        ("/v1/models/m:predict", "/api", "/v1/models/m:predict"),
        ("/apiary/v1", "/api", "/apiary/v1"),
        ("/api", "/api", "/api"),
        ("/api//v1", "/api/", "/v1"),
        ("/v1", "", "/v1"),
        ("/v1", None, "/v1"),
    ],
)
def test_a_prefix_under_which_an_application_stands_is_no_part_of_the_path(path: str, root: str, found: str) -> None:
    assert path_of({"path": path, "root_path": root}) == found
    assert path_of({"path": found}) == found


def test_what_a_path_asks_for_is_remembered_and_no_long_path_is() -> None:
    call_module._kept_call.cache_clear()
    usual, long = "/v2/models/m/infer", f"/v2/models/{'m' * call_module.LONGEST_KEPT}/infer"
    assert call_of("POST", usual) is call_of("POST", usual)
    assert call_of("POST", usual, carries=True) == call_of("POST", usual)
    assert call_of("GET", "/x", parameters=True) != call_of("GET", "/x")
    before = call_module._kept_call.cache_info().currsize
    assert call_of("POST", long).asks
    assert call_module._kept_call.cache_info().currsize == before
