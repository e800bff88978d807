from typing import Any, ClassVar

import pytest

from caponier.detect.assets.fields import ASSET_FIELDS
from caponier.detect.assets.scope import Asset, Scope, systems_of
from caponier.records.inventory import System
from caponier.telemetry.security_logs.fields import flatten


def kinds(fields: dict[str, Any], **assets: tuple[str, ...]) -> list[str]:
    """Which kinds of asset of one system an event touches."""
    scope = Scope([System(name="digits", **assets)])  # type: ignore[arg-type]
    return [asset.kind for asset in scope.assets(flatten(fields)[0])]


@pytest.mark.parametrize(
    ("value", "named", "touched"),
    [
        ("gpu-01", "gpu-01", True),
        ("GPU-01", "gpu-01", True),
        ("gpu-01.ml.example.org", "gpu-01", True),
        ("gpu-01", "gpu-01.ml.example.org", True),
        ("gpu-01.ml.example.org.", "GPU-01.ml.example.org", True),
        ("gpu-01:8080", "gpu-01", True),
        ("gpu-01.other.org", "gpu-01.ml.example.org", False),
        ("gpu-011", "gpu-01", False),
        ("my-gpu-01", "gpu-01", False),
        ("gpu-17", "gpu-*", True),
        ("gpu-17.ml.example.org", "gpu-??", True),
        ("cpu-17", "gpu-*", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.2", "10.0.0.1", False),
        ("10.9.9.9", "10", False),
    ],
)
def test_hosts(value: str, named: str, touched: bool) -> None:
    assert bool(kinds({"host": value}, hosts=(named,))) is touched


@pytest.mark.parametrize(
    ("value", "named", "touched"),
    [
        ("svc-train", "svc-train", True),
        ("SVC-Train", "svc-train", True),
        ("CORP\\svc-train", "svc-train", True),
        ("arn:aws:iam::1:user/svc-train", "svc-train", True),
        ("arn:aws:sts::1:assumed-role/trainer/svc-train", "svc-train", True),
        ("arn:aws:iam::1:user/svc-train", "arn:aws:iam::1:user/svc-train", True),
        ("arn:aws:iam::2:user/svc-train", "arn:aws:iam::1:user/svc-train", False),
        ("svc-train@partner.example", "svc-train", False),
        ("svc-train2", "svc-train", False),
        ("svc-train", "svc-*", True),
    ],
)
def test_accounts(value: str, named: str, touched: bool) -> None:
    assert bool(kinds({"user": value}, accounts=(named,))) is touched


@pytest.mark.parametrize(
    ("fields", "named", "touched"),
    [
        ({"bucket": "ml-models"}, "ml-models", True),
        ({"bucket": "ml-models"}, "s3://ml-models", True),
        ({"bucket": "ML-Models"}, "ml-models", False),
        ({"bucket": "ml-models-2"}, "ml-models", False),
        ({"requestParameters": {"bucketName": "ml-models", "key": "a/b"}}, "ml-models", True),
        ({"requestParameters": {"bucketName": "ml", "key": "models/b"}}, "s3://ml/models/", True),
        ({"requestParameters": {"bucketName": "ml", "key": "modelsx/b"}}, "s3://ml/models", False),
        ({"bucket": "ml-models"}, "ml-*", True),
    ],
)
def test_buckets(fields: dict[str, Any], named: str, touched: bool) -> None:
    assert ("bucket" in kinds(fields, buckets=(named,))) is touched


@pytest.mark.parametrize(
    ("fields", "assets", "touched"),
    [
        ({"image": "reg.example.org/ml/serve:1"}, {"images": ("reg.example.org/ml/serve",)}, True),
        ({"image": "reg.example.org/ml/serve@sha256:0"}, {"images": ("REG.example.org/ml/serve",)}, True),
        ({"image": "reg.example.org/ml/server:1"}, {"images": ("reg.example.org/ml/serve",)}, False),
        ({"registry": "reg.example.org", "repository": "ml/serve"}, {"registries": ("reg.example.org/ml",)}, True),
        ({"url": "https://models.example.org/v2/models"}, {"endpoints": ("http://models.example.org/v2",)}, True),
        ({"url": "https://models.example.org/v20"}, {"endpoints": ("models.example.org/v2",)}, False),
        ({"path": "/srv/train/a.parquet"}, {"datasets": ("/srv/train",)}, True),
        ({"path": "/srv/Train/a.parquet"}, {"datasets": ("/srv/train",)}, False),
        ({"path": "/srv/training"}, {"datasets": ("/srv/train",)}, False),
        ({"bucket": "lake", "key": "train/a"}, {"datasets": ("s3://lake/train",)}, True),
        ({"path": "/srv/train/a.parquet"}, {"datasets": ("/srv/*/a.parquet",)}, True),
        ({"model_name": "digits-mlp"}, {"models": ("digits-mlp",)}, True),
        ({"model_name": "Digits-mlp"}, {"models": ("digits-mlp",)}, False),
    ],
)
def test_paths_and_names(fields: dict[str, Any], assets: dict[str, tuple[str, ...]], touched: bool) -> None:
    assert bool(kinds(fields, **assets)) is touched


def test_an_asset_of_two_systems_touches_both() -> None:
    scope = Scope([System(name="one", hosts=("gpu",)), System(name="two", hosts=("gpu",))])
    assets = scope.assets({"host": "gpu"})
    assert systems_of(assets) == ("one", "two")
    assert assets[0] == Asset("one", "host", "gpu")


def test_nothing_is_scoped_without_assets() -> None:
    scope = Scope([System(name="digits", models=())])
    assert scope.empty
    assert scope.assets({"host": "gpu-01"}) == ()


def test_field_names_are_those_after_flattening() -> None:
    assert all(name == name.lower() for names in ASSET_FIELDS.values() for name in names)


def test_each_of_the_instances_that_one_call_stops_is_meant() -> None:
    scope = Scope([System(name="digits", instances=("i-2",), hosts=("gpu-02",))])
    assert scope.assets({"requestparameters.instancesset.items.instanceid": "i-1, i-2, i-3"})
    assert scope.assets({"host": "gpu-01, gpu-02"})
    assert not scope.assets({"requestparameters.instancesset.items.instanceid": "i-1, i-22"})


@pytest.mark.parametrize(
    ("fields", "touched"),
    [
        ({"requestParameters": {"guardrailIdentifier": "gr-1"}}, True),
        ({"requestParameters": {"featureGroupName": "GR-1"}}, True),
        ({"requestParameters": {"resourceArn": "arn:aws:bedrock:eu-central-1:1:guardrail/gr-1"}}, True),
        ({"requestParams": {"share_name": "gr-1"}}, True),
        ({"protoPayload": {"request": {"parentModel": "projects/p/locations/l/models/gr-1"}}}, True),
        ({"endpoint": "gr-1"}, True),
        ({"database_name": "gr-1"}, True),
        ({"requestParameters": {"description": "gr-1"}}, False),
        ({"requestParameters": {"guardrailIdentifier": "gr-11"}}, False),
        ({"requestParameters": {"resourceArn": "arn:aws:bedrock:eu-central-1:1:guardrail/gr-1/x"}}, False),
        ({"responseElements": {"guardrailIdentifier": "gr-1"}}, False),
        ({"userAgent": "gr-1"}, False),
    ],
)
def test_whatever_a_call_names_is_an_instance_if_the_inventory_says_so(fields: dict[str, Any], touched: bool) -> None:
    assert kinds(fields, instances=("gr-1",)) == (["instance"] if touched else [])


def test_what_serves_a_model_is_mostly_named_like_it() -> None:
    assert kinds({"requestParameters": {"endpointName": "digits-mlp"}}, models=("digits-mlp",)) == ["model"]
    assert kinds({"endpoint": "digits-mlp"}, models=("digits-mlp",)) == ["model"]
    assert kinds({"endpoint": "digits-mlp-2"}, models=("digits-mlp",)) == []


def test_a_container_belongs_to_the_registry_of_its_image() -> None:
    fields = {"container.image": "reg.example.org/ml/serve:4"}
    assert kinds(fields, registries=("reg.example.org/ml",)) == ["registry"]
    assert kinds(fields, registries=("reg.example.org/web",)) == []


def test_fields_of_another_shape_are_looked_at_anew() -> None:
    """Which fields may name an asset is remembered by an event's names, never by its values."""
    scope = Scope([System(name="digits", hosts=("gpu-01",), buckets=("ml-models",), models=("reader",))])
    for _ in range(2):
        assert [one.kind for one in scope.assets({"host": "gpu-01", "bucket": "other"})] == ["host"]
        assert [one.kind for one in scope.assets({"host": "web-01", "bucket": "ml-models"})] == ["bucket"]
        assert [one.kind for one in scope.assets({"model": "reader", "host": "gpu-01"})] == ["host", "model"]
        assert scope.assets({"other": "gpu-01"}) == ()
    assert Scope([]).assets({"host": "gpu-01"}) == ()


class TestNamesInCalls:
    @pytest.mark.parametrize("names", ["/ml/store-key", "/shop/colour, /ml/store-key"])
    def test_each_name_of_a_list_counts(self, names: str) -> None:
        called = {"requestParameters": {"names": names}}
        assert kinds(called, instances=("/ml/store-key",)) == ["instance"]
        assert kinds(called, instances=("/ml/store",)) == []

    @pytest.mark.parametrize("field", ["resourceId", "_ResourceId", "protoPayload.resourceName"])
    @pytest.mark.parametrize("kind", ["networkSecurityGroups", "locks", "thingsNobodyKnowsYet"])
    def test_a_path_is_about_what_stands_at_its_end(self, field: str, kind: str) -> None:
        called = {field: f"/subscriptions/s/resourceGroups/ml/providers/Some.Thing/{kind}/digits-net"}
        assert kinds(called, instances=("digits-net",)) == ["instance"]
        assert kinds(called, instances=("ml", kind)) == []

    @pytest.mark.parametrize(
        ("pattern", "found"), [("digits-*", ["instance"]), ("ml*", []), ("dig?ts-net", ["instance"])]
    )
    def test_a_pattern_is_about_the_end_of_a_path_as_well(self, pattern: str, found: list[str]) -> None:
        called = {"resourceId": "/subscriptions/s/resourceGroups/ml-group/providers/Some.Thing/locks/digits-net"}
        assert kinds(called, instances=(pattern,)) == found


class TestClustersThatNameThemselvesNowhere:
    ASKED: ClassVar[dict[str, Any]] = {
        "verb": "create",
        "objectRef": {"resource": "clusterrolebindings", "name": "all"},
    }

    def test_whoever_owns_every_cluster_owns_this_one(self) -> None:
        assert kinds(self.ASKED, clusters=("*",)) == ["cluster"]

    @pytest.mark.parametrize("named", ["ml-prod", "ml-*", "?"])
    def test_one_by_name_may_be_another(self, named: str) -> None:
        assert kinds(self.ASKED, clusters=(named,)) == []

    def test_a_cluster_that_names_itself_is_told_by_its_name(self) -> None:
        assert kinds({**self.ASKED, "cluster": "shop"}, clusters=("ml-*",)) == []
        assert kinds({**self.ASKED, "cluster": "shop"}, clusters=("*",)) == ["cluster"]

    def test_what_is_no_record_of_a_cluster_touches_none(self) -> None:
        assert kinds({"verb": "create"}, clusters=("*",)) == []


@pytest.mark.parametrize("source", ["gcsDataSource", "awsS3DataSource"])
def test_a_job_that_transfers_is_about_the_bucket_deep_within_it(source: str) -> None:
    asked = {"transferJob": {"transferSpec": {source: {"bucketName": "ml-models"}}}}
    call = {"protoPayload": {"request": asked}}
    assert "bucket" in kinds(call, buckets=("ml-models",))
    assert "bucket" not in kinds(call, buckets=("other",))


def test_each_table_of_a_statement_is_a_dataset() -> None:
    assert kinds({"table": "features, labels"}, datasets=("labels",)) == ["dataset"]
    assert kinds({"table": "features, labels"}, datasets=("rows",)) == []
