"""What kind of act a call is, by its words: calls of products that nobody has listed."""

import pytest

from caponier.telemetry.security_logs.act import OPERATION_FIELDS, act

CALLS = {
    "destroy": [
        "DeleteEndpoint",
        "TerminateInstances",
        "storage.objects.delete",
        "google.cloud.aiplatform.v1.EndpointService.UndeployModel",
        "MICROSOFT.COMPUTE/SNAPSHOTS/DELETE",
        "Microsoft.Compute/virtualMachines/deallocate/action",
        "protected_branch_removed",
        "artifact:delete",
        "repo.delete",
        "DeletePublicAccessBlock",
    ],
    "grant": [
        "PutModelPackageGroupPolicy",
        "CreateServiceSpecificCredential",
        "google.iam.admin.v1.SetIAMPolicy",
        "MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION",
        "Microsoft.MachineLearningServices/workspaces/connections/listSecrets/action",
        "repo.add_member",
        "storage.hmacKeys.create",
    ],
    "copy": [
        *("CopyObject", "CreateModelCopyJob", "ExportFeatureValues", "repo.download_zip", "project_export_created"),
        *("BatchGetImage", "GetDownloadUrlForLayer", "Docker-GetManifest", "pull", "pull_repo"),
    ],
    "reveal": ["GetSecretValue", "BatchGetSecretValue", "SecretGet", "x.v1.SecretManagerService.AccessSecretVersion"],
    "retune": [
        "UpdateTrail",
        "PutEventSelectors",
        "UpdateMonitoringSchedule",
        "UpdateDetector",
        "x.v2.ConfigServiceV2.UpdateSink",
    ],
    "change": [
        "UpdatePipeline",
        "CreateModelImportJob",
        "v1.compute.instances.setMetadata",
        "MICROSOFT.COMPUTE/SNAPSHOTS/WRITE",
        "repo.update_settings",
        "UpdateInferenceComponent",
    ],
    "silence": [
        "StopLogging",
        "DeleteGuardrail",
        "MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE",
        "DeleteFlowLogs",
        "DisableAlarmActions",
        "DeleteMonitoringSchedule",
        "DeleteModelInvocationLoggingConfiguration",
        "google.logging.v2.ConfigServiceV2.DeleteSink",
    ],
}
NONE = [
    *("GetAccountPasswordPolicy", "GetRandomPassword", "GetSecretRotation"),
    *("x.v1.SecretManagerService.GetSecret", "x.v1.SecretManagerService.GetSecretVersion"),
    *(
        "GetObject",
        "ListAccessKeys",
        "DescribeEndpoint",
        "DescribeSecret",
        "ListVersionsByFunction",
        "HeadBucket",
        "LookupEvents",
    ),
    *("InvokeEndpoint", "InvokeModel", "Converse", "Decrypt", "google.cloud.aiplatform.v1.PredictionService.Predict"),
    *("storage.objects.get", "MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/JOBS/READ", "git.clone", "git.push"),
    *("pull_request.create", "pull_request.merge", "merge_request_create", "issues.create", "discussion.create"),
    *("workflows.created_workflow_run", "workflows.prepared_workflow_job", "repo.commit"),
    *("AddTags", "PutBucketVersioning", "PutBucketLogging", "protected_branch.create", "PutPublicAccessBlock"),
    *("EnableKeyRotationX", "", "-", "x" * 5_000, "\x00", "деле́тё"),
]


@pytest.mark.parametrize(("kind", "call"), [(kind, call) for kind, calls in CALLS.items() for call in calls])
def test_the_words_of_a_call_tell_what_it_does(kind: str, call: str) -> None:
    assert act({"eventname": call}) == kind


@pytest.mark.parametrize("call", [call for call in NONE if not call.startswith("EnableKey")])
def test_reading_using_caring_and_working_together_are_no_acts(call: str) -> None:
    assert act({"eventname": call}) is None


@pytest.mark.parametrize("name", OPERATION_FIELDS)
def test_every_product_has_its_own_field_for_it(name: str) -> None:
    assert act({name: "DeleteEndpoint"}) == "destroy"


def test_the_first_field_that_says_something_counts() -> None:
    assert act({"eventname": "", "type": "DeleteEndpoint"}) == "destroy"
    assert act({"eventname": "GetObject", "type": "DeleteEndpoint"}) is None
    assert act({"host": "gpu-01"}) is None


@pytest.mark.parametrize(
    ("verb", "resource", "below", "kind"),
    [
        ("delete", "networkpolicies", None, "destroy"),
        ("deletecollection", "pods", None, "destroy"),
        ("patch", "configmaps", None, "change"),
        ("create", "clusterrolebindings", None, "grant"),
        ("create", "serviceaccounts", "token", "grant"),
        ("create", "secrets", None, "grant"),
        ("get", "secrets", None, "reveal"),
        ("list", "secrets", None, "grant"),
        ("watch", "pods", None, None),
        ("update", "leases", None, None),
        ("create", "events", None, None),
        ("patch", "nodes", "status", None),
        ("patch", "nodes", None, "change"),
        ("create", "subjectaccessreviews", None, None),
    ],
)
def test_of_a_cluster_the_verb_and_what_it_is_about(
    verb: str, resource: str, below: str | None, kind: str | None
) -> None:
    fields = {"verb": verb, "objectref.resource": resource, "eventname": "Response"}
    assert act(fields | ({"objectref.subresource": below} if below else {})) == kind


@pytest.mark.parametrize(
    ("operation", "path", "kind"),
    [
        ("read", "secret/data/ml/hub", "reveal"),
        ("list", "secret/metadata/ml", None),
        ("read", "secret/metadata/ml/hub", None),
        ("delete", "kv/data/ml", "destroy"),
        ("delete", "sys/audit/file", "silence"),
        ("update", "sys/policies/acl/ml", "grant"),
        ("read", "sys/health", None),
        ("update", "auth/kubernetes/login", None),
    ],
)
def test_of_a_vault_the_path_says_what_it_is_about(operation: str, path: str, kind: str | None) -> None:
    assert act({"request.operation": operation, "request.path": path, "type": "response"}) == kind


@pytest.mark.parametrize("service", ["google.storagetransfer.v1.StorageTransferService", "x.v1.TransferService"])
def test_what_is_transferred_is_copied(service: str) -> None:
    assert act({"gcp.audit.method_name": f"{service}.CreateTransferJob"}) == "copy"
    assert act({"gcp.audit.method_name": f"{service}.GetTransferJob"}) is None
