"""What a path of a resource names, however the cloud writes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.detect.assets.scope import Scope
from caponier.records.inventory import System
from caponier.telemetry.security_logs.fields import Fields
from caponier.telemetry.security_logs.native.clouds.resource_paths import fill_from_path

AZURE = "/subscriptions/s/resourceGroups/ml/providers/"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (AZURE + "Microsoft.Compute/virtualMachines/gpu-2", {"target_host": "gpu-2"}),
        (AZURE.upper() + "MICROSOFT.STORAGE/STORAGEACCOUNTS/MLMODELS", {"bucket": "mlmodels"}),
        (
            AZURE + "Microsoft.MachineLearningServices/workspaces/ws/onlineEndpoints/digits",
            {"instance_id": "ws", "endpoint": "digits"},
        ),
        ("projects/-/serviceAccounts/train@ml.iam.gserviceaccount.com",
         {"target_user": "train@ml.iam.gserviceaccount.com"}),
        ("projects/ml/zones/z/instances/gpu-vm-1", {"target_host": "gpu-vm-1"}),
        ("projects/ml/locations/l/models/55", {"model": "55"}),
        ("projects/ml/locations/l/models/55@prod", {"model": "55"}),
        ("projects/ml/locations", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_the_segments_name_what_a_call_is_about(path: str, told: Fields) -> None:
    fields: Fields = {"resource": path}
    fill_from_path(fields, "resource")
    assert fields == {"resource": path, **told}


@given(st.text(max_size=300))
def test_any_text_may_stand_there(path: str) -> None:
    fields: Fields = {"resource": path}
    fill_from_path(fields, "resource")
    assert fields["resource"] == path


@pytest.mark.parametrize(
    ("fields", "asset"),
    [
        ({"requestparameters.notebookinstancename": "digits-nb"}, "digits-nb"),
        ({"requestparameters.keyid": "arn:aws:kms:eu:1:key/k-1"}, "k-1"),
        ({"requestparameters.functionname": "arn:aws:lambda:eu:1:function:features"}, "features"),
        ({"requestparameters.rolearn": "arn:aws:iam::1:role/trainer"}, "trainer"),
        ({"requestobject.subjects.namespace": "web, ml"}, "ml"),
        ({"requestparameters.keyid": "arn:aws:kms:eu:1:key/other-k-1"}, None),
        ({"requestparameters.rolearn": "arn:aws:iam::1:role/trainer2"}, None),
    ],
)
def test_an_asset_is_known_wherever_a_cloud_names_it(fields: Fields, asset: str | None) -> None:
    system = System(
        name="digits", instances=("digits-nb", "k-1", "features"), accounts=("trainer",), namespaces=("ml",)
    )
    assert [one.name for one in Scope([system]).assets(fields)] == ([asset] if asset else [])
