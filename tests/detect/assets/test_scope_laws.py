"""Which assets an event touches, against rules of thumb that read the whole inventory for every event."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.detect.assets.fields import ASSET_FIELDS, OBJECT_FIELDS
from caponier.detect.assets.scope import Asset, Scope, systems_of
from caponier.records.inventory import System
from caponier.telemetry.security_logs.fields import Fields, flatten

LABELS = st.sampled_from(["gpu-01", "gpu-02", "db", "a"])
DOMAINS = st.sampled_from(["", ".ml.example.org", ".example.org"])
HOSTS = st.builds(str.__add__, LABELS, DOMAINS)
PARTS = st.lists(st.sampled_from(["ml", "mlx", "models", "a"]), min_size=1, max_size=4)
CASES: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.upper, str.title])


def scope(**named: tuple[str, ...]) -> Scope:
    return Scope([System(name="digits", **named)])


def touches(where: Scope, **fields: Any) -> set[tuple[str, str]]:
    return {(asset.kind, asset.name) for asset in where.assets(flatten(fields)[0])}


@settings(max_examples=200)
@given(named=HOSTS, seen=HOSTS, case=CASES, port=st.sampled_from(["", ":22", "."]))
def test_a_short_name_stands_for_the_full_one_and_full_ones_for_themselves(
    named: str, seen: str, case: Callable[[str], str], port: str
) -> None:
    same = named == seen or ("." not in named and seen.split(".")[0] == named)
    same = same or ("." not in seen and named.split(".")[0] == seen)
    assert (touches(scope(hosts=(named,)), host=case(seen) + port) == {("host", named)}) is same


@settings(max_examples=200)
@given(named=PARTS, seen=PARTS, scheme=st.sampled_from(["", "s3://", "arn:aws:s3:::"]), end=st.sampled_from(["", "/"]))
def test_a_bucket_and_what_is_in_it(named: list[str], seen: list[str], scheme: str, end: str) -> None:
    where = scope(buckets=(scheme + "/".join(named) + end,))
    inside = seen[: len(named)] == named
    assert bool(touches(where, bucket="/".join(seen))) is inside
    if len(seen) > 1:
        parts = {"requestParameters": {"bucketName": seen[0], "key": "/".join(seen[1:])}}
        assert bool(touches(where, **parts)) is inside


@settings(max_examples=200)
@given(
    kind=st.sampled_from(["registries", "endpoints", "images"]),
    named=PARTS,
    seen=PARTS,
    case=CASES,
    scheme=st.sampled_from(["", "https://"]),
    tail=st.sampled_from(["", ":latest", "@sha256:ab", "?q=1"]),
)
def test_a_path_begins_at_its_parts(
    kind: str, named: list[str], seen: list[str], case: Callable[[str], str], scheme: str, tail: str
) -> None:
    where = scope(**{kind: ("/".join(named),)})
    field = {"registries": "registry", "endpoints": "url", "images": "image"}[kind]
    inside = seen[: len(named)] == named
    assert bool(touches(where, **{field: scheme + case("/".join(seen)) + tail})) is inside


@given(
    names=st.lists(st.sampled_from(["gpu-01", "db", "a"]), min_size=1, max_size=3, unique=True),
    seen=st.sampled_from(["gpu-01", "db", "a"]),
)
def test_an_asset_of_several_systems_touches_all_in_their_order(names: list[str], seen: str) -> None:
    systems = [System(name=f"s{n}", hosts=tuple(names[n:])) for n in range(len(names))]
    found = Scope(systems).assets({"host": seen, "hostname": seen, "computer": seen})
    wanted = tuple(f"s{n}" for n in range(len(names)) if seen in names[n:])
    assert systems_of(found) == wanted
    assert len(set(found)) == len(found)


FIELDS_BY_KIND = [(kind, name) for kind, names in ASSET_FIELDS.items() for name in names]
LISTS = {
    "host": "hosts",
    "account": "accounts",
    "bucket": "buckets",
    "registry": "registries",
    "image": "images",
    "endpoint": "endpoints",
    "dataset": "datasets",
    "model": "models",
    "namespace": "namespaces",
    "cluster": "clusters",
    "instance": "instances",
}


@pytest.mark.parametrize(("kind", "field"), FIELDS_BY_KIND)
def test_every_field_of_the_table_is_read(kind: str, field: str) -> None:
    fields: Fields = {field: "precious"}
    named: dict[str, Any] = {LISTS[kind]: ("precious",)}
    assert Asset("digits", kind, "precious") in Scope([System(name="digits", **named)]).assets(fields)
    assert Scope([System(name="digits", **named)]).assets({field: "other", "no.such.field": "precious"}) == ()


@pytest.mark.parametrize("field", OBJECT_FIELDS)
def test_an_object_counts_with_its_bucket_only(field: str) -> None:
    where = scope(buckets=("ml/models",))
    assert touches(where, bucket="ml", **{field: "models/v1.pt"}) == {("bucket", "ml/models")}
    assert touches(where, bucket="other", **{field: "ml/models/v1.pt"}) == set()
    assert touches(where, **{field: "models/v1.pt"}) == set()


def test_names_are_flat_and_in_lower_case() -> None:
    assert all(name == name.lower() for names in ASSET_FIELDS.values() for name in names)
    assert ASSET_FIELDS.keys() == LISTS.keys()


@given(values=st.dictionaries(st.sampled_from([name for _, name in FIELDS_BY_KIND]), st.text(max_size=30), max_size=5))
def test_no_value_of_a_log_stops_it_and_none_is_found_in_an_empty_inventory(values: Fields) -> None:
    everything = scope(
        hosts=("gpu-*", "10.0.0.1"),
        accounts=("svc-*", "arn:aws:iam::1:user/ann"),
        buckets=("ml-*",),
        registries=("reg/*",),
        images=("img:[ab]",),
        endpoints=("https://x/*",),
        datasets=("/data/?",),
        models=("digits-*",),
    )
    assert all(asset.system == "digits" for asset in everything.assets(values))
    assert everything.assets(values) == everything.assets(values)
    empty = scope()
    assert empty.empty
    assert empty.assets(values) == ()


def test_a_session_touches_its_role_and_the_name_it_gives_itself() -> None:
    arn = "arn:aws:sts::1:assumed-role/trainer/svc-sync"
    for named in ("trainer", "svc-sync", "trainer/svc-sync", arn, "svc-*"):
        assert touches(scope(accounts=(named,)), userIdentity={"arn": arn}) == {("account", named)}
    assert touches(scope(accounts=("train",)), userIdentity={"arn": arn}) == set()
    # A path in anything else is no list of names.
    assert touches(scope(accounts=("svc-sync",)), user="trainer/svc-sync") == set()


def test_long_values_are_looked_up_and_not_kept() -> None:
    """Whoever fills a field with as much as a row may hold must not fill the memory, nor go unseen by it."""
    where = scope(datasets=("/data/train",))
    tracemalloc.start()
    for n in range(300):
        path = f"/data/train/{n}/" + "x" * 40_000
        assert where.assets({"path": path}) == (Asset("digits", "dataset", "/data/train"),)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert kept < 2 * 2**20


def test_globs_take_no_time() -> None:
    where = scope(datasets=("*a*a*a*a*a*a*a*a*b",), hosts=("*-*-*-*-*-*-x",))
    assert where.assets({"path": "a" * 50_000, "host": "-" * 50_000}) == ()
