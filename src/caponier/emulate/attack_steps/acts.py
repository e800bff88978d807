"""Steps that a rule knows by the kind of the act alone, in calls that no other rule names."""

from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import DESK, REFUSED, THIEF, AttackStep, Row, aws, google, kubernetes

_EVE: Final = "user eve"
_ADA: Final = "user ada"
_MODEL: Final = "projects/ml/locations/europe-west4/models/digits"
_WORKSPACE: Final = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/ML/PROVIDERS/MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/I-0ML"
_SNAPSHOT: Final = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/ML/PROVIDERS/MICROSOFT.COMPUTE/SNAPSHOTS/I-0ML"
_STORE: Final = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/ML/PROVIDERS/MICROSOFT.STORAGE/STORAGEACCOUNTS/ML-MODELS"
_LOGGED: Final = {"LoggingEnabled": {"TargetBucket": "logs", "TargetPrefix": "ml/"}}
_HOME: Final = "111122223333"


def _called(service: str, name: str, about: Row, address: str = THIEF, who: str = _EVE, **more: Any) -> Row:
    return aws(who, address, service, name, about, **more)


def _azure(operation: str, place: str = _WORKSPACE, address: str = THIEF, outcome: str = "Success") -> Row:
    return {
        "resourceId": place, "operationName": operation, "category": "Administrative", "resultType": outcome,
        "callerIpAddress": address, "identity": {"claims": {"name": "eve"}},
    }  # fmt: skip


def _vertex(method: str, address: str = THIEF, **more: Any) -> Row:
    return google("eve", address, "aiplatform", f"google.cloud.aiplatform.v1.{method}", _MODEL, **more)


def _hub(kind: str, address: str = THIEF) -> Row:
    return {
        "type": kind, "createdAt": None, "author": {"user": "eve"}, "req": {"ip": address},
        "repo": "ml/serve",
    }  # fmt: skip


def _tracked(action: str, address: str = THIEF) -> Row:
    return {
        "timestamp": None, "action": action, "actor_email": "eve", "actor_ip": address, "entity_name": "o",
        "artifact_sequence_asset": "digits",
    }  # fmt: skip


def _entered(account: str, address: str = THIEF, **more: Any) -> Row:
    who = {"type": "IAMUser", "arn": f"arn:aws:iam::{account}:user/eve", "accountId": account, "userName": "eve"}
    about = {"roleArn": f"arn:aws:iam::{_HOME}:role/svc-model-sync", "roleSessionName": "x"}
    row = aws("user eve", address, "sts", "AssumeRole", about, recipientAccountId=_HOME, **more)
    return {**row, "userIdentity": who}


DESTROYED: Final = AttackStep(
    "something of an ML system destroyed by a call that no rule names",
    (
        (_called("sagemaker", "DeleteFeatureGroup", {"featureGroupName": "i-0ml"}),),
        (_called("bedrock", "DeleteCustomModel", {"modelIdentifier": "i-0ml"}),),
        (_azure("MICROSOFT.COMPUTE/SNAPSHOTS/DELETE", _SNAPSHOT),),
        (_hub("repo.delete"),),
        (_tracked("artifact:delete"),),
    ),
    (
        (_called("sagemaker", "DeleteFeatureGroup", {"featureGroupName": "i-0ml"}, DESK, _ADA),),
        (_called("sagemaker", "DeleteFeatureGroup", {"featureGroupName": "i-0ml"}, **REFUSED),),
        (_called("sagemaker", "DeleteFeatureGroup", {"featureGroupName": "of-others"}),),
        (_called("sagemaker", "DescribeFeatureGroup", {"featureGroupName": "i-0ml"}),),
    ),
)

OPENED: Final = AttackStep(
    "rights in an ML system given by a call that no rule names",
    (
        (_called("sagemaker", "PutModelPackageGroupPolicy", {"modelPackageGroupName": "digits"}),),
        (_called("bedrock", "PutResourcePolicy", {"resourceArn": "arn:aws:bedrock:eu:1:model/i-0ml"}),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/CONNECTIONS/LISTSECRETS/ACTION"),),
        (_hub("repo.add_secret"),),
        (_vertex("ModelService.SetIamPermission"),),
    ),
    (
        (_called("sagemaker", "PutModelPackageGroupPolicy", {"modelPackageGroupName": "digits"}, DESK, _ADA),),
        (_called("sagemaker", "GetModelPackageGroupPolicy", {"modelPackageGroupName": "digits"}),),
        (_called("iam", "UpdateAccessKey", {"userName": "svc-model-sync", "status": "Inactive"}),),
        (_called("sagemaker", "PutModelPackageGroupPolicy", {"modelPackageGroupName": "x"}),),
    ),
)

COPIED: Final = AttackStep(
    "something of an ML system copied away by a call that no rule names",
    (
        (_called("s3", "CopyObject", {"bucketName": "drop", "key": "m", "x-amz-copy-source": "ml-models/m"}),),
        (_called("bedrock", "CreateModelCopyJob", {"sourceModelArn": "arn:aws:bedrock:eu:1:custom-model/i-0ml"}),),
        (_vertex("FeaturestoreService.ExportFeatureValues"),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/MODELS/SHARE/ACTION"),),
    ),
    (
        (_called("s3", "CopyObject", {"bucketName": "x", "key": "m", "x-amz-copy-source": "ml-models/m"}, DESK),),
        (_called("s3", "CopyObject", {"bucketName": "x", "key": "m", "x-amz-copy-source": "others/m"}),),
        (_vertex("FeaturestoreService.ExportFeatureValues", status={"code": 7}),),
        (_vertex("FeaturestoreService.ReadFeatureValues"),),
    ),
)

CHANGED: Final = AttackStep(
    "something of an ML system changed by a call that no rule names",
    (
        (_called("sagemaker", "UpdateImageVersion", {"imageName": "i-0ml"}),),
        (_called("bedrock", "CreateModelImportJob", {"importedModelName": "i-0ml"}),),
        (_azure("MICROSOFT.COMPUTE/SNAPSHOTS/WRITE", _SNAPSHOT),),
        (kubernetes("eve", THIEF, "patch", "configmaps"),),
        (_hub("repo.update_settings"),),
    ),
    (
        (_called("sagemaker", "UpdateImageVersion", {"imageName": "i-0ml"}, DESK, _ADA),),
        (_called("sagemaker", "AddTags", {"imageName": "i-0ml"}),),
        (_called("s3", "PutBucketVersioning", {"bucketName": "ml-models"}),),
        (_called("sagemaker", "InvokeEndpoint", {"endpointName": "digits"}),),
        (kubernetes("eve", THIEF, "get", "configmaps"),),
        (_hub("discussion.create"),),
    ),
)

UNWATCHED: Final = AttackStep(
    "the log of something of an ML system switched off",
    (
        (_called("s3", "PutBucketLogging", {"bucketName": "ml-models", "BucketLoggingStatus": {"xmlns": "x"}}),),
        (_azure("MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/DELETE", _STORE),),
        (_called("sagemaker", "DeleteMonitoringSchedule", {"endpointName": "digits"}),),
        (_called("bedrock", "DeleteGuardrail", {"guardrailIdentifier": "i-0ml"}),),
    ),
    (
        (_called("s3", "PutBucketLogging", {"bucketName": "ml-models", "BucketLoggingStatus": _LOGGED}),),
        (_azure("MICROSOFT.INSIGHTS/DIAGNOSTICSETTINGS/WRITE", _STORE),),
        (_called("sagemaker", "DeleteMonitoringSchedule", {"endpointName": "digits"}, **REFUSED),),
        (_called("sagemaker", "DescribeMonitoringSchedule", {"endpointName": "digits"}),),
    ),
)

ENTERED: Final = AttackStep(
    "an account of somebody else",
    (
        (_entered("999988887777"),),
        (_entered("222233334444", "198.51.100.9"),),
        (_entered("999988887777", eventVersion="1.09"),),
    ),
    (
        (_entered(_HOME),),
        (_entered("999988887777", DESK),),
        (_entered("999988887777", **REFUSED),),
    ),
)

STEPS: Final = {
    "asset_destroyed": DESTROYED,
    "asset_opened": OPENED,
    "asset_copied_out": COPIED,
    "asset_changed": CHANGED,
    "asset_unwatched": UNWATCHED,
    "foreign_account_enters": ENTERED,
}
"""By the rule's name."""
