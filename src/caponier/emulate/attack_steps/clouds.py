"""Steps in the accounts of clouds: stores, endpoints, keys."""

from typing import Any, Final

from caponier.emulate.attack_steps import cloud_services
from caponier.emulate.attack_steps.attack_step import (
    DESK,
    PAUSE,
    REFUSED,
    THIEF,
    AttackStep,
    Row,
    Rows,
    aws,
    google,
    sshd,
)
from caponier.emulate.office import SYNC

_EVE: Final = "user eve"
_GOOGLE_EVE: Final = "eve@example.org"
_CI: Final = "role ci-release/pipeline"
_BUCKET: Final = "projects/_/buckets/ml-models"
_POLICY: Final = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]}'
_OWN_POLICY: Final = (
    '{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "s3:*"}]}'
)
_CUSTOMER: Final = "x-amz-server-side-encryption-customer-algorithm"
_ADDED: Final[dict[str, Any]] = {"add": {"items": [{"userId": "444455556666"}]}}


def _s3(name: str, who: str = _EVE, address: str = THIEF, parameters: Row | None = None, **more: Any) -> Row:
    return aws(who, address, "s3", name, {"bucketName": "ml-models", **(parameters or {})}, **more)


def _keys(
    name: str, count: int, pause: float = 2.0, who: str = _EVE, address: str = THIEF, form: str = "m{}.pt"
) -> tuple[Row, ...]:
    return tuple({**_s3(name, who, address, {"key": form.format(number)}), "pause": pause} for number in range(count))


def _vertex(method: str, who: str | None = _GOOGLE_EVE, address: str = THIEF, **more: Any) -> Row:
    place = "projects/ml/locations/europe-west4/endpoints/digits"
    return google(who, address, "aiplatform", f"google.cloud.aiplatform.v1.{method}", place, **more)


def _azure(operation: str, outcome: str = "Success") -> Row:
    place = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/ML/PROVIDERS/MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/ML"
    return {
        "resourceId": f"{place}/ONLINEENDPOINTS/digits", "operationName": operation, "category": "Administrative",
        "resultType": outcome, "callerIpAddress": THIEF,
        "identity": {"claims": {"name": "eve@example.org"}},
    }  # fmt: skip


def _google_read(who: str | None, method: str = "get", form: str = "m.safetensors", **more: Any) -> Row:
    return {
        **google(who, THIEF, "storage", f"storage.objects.{method}", f"{_BUCKET}/objects/{form}", **more),
        "resource": {"type": "gcs_bucket", "labels": {"bucket_name": "ml-models"}},
    }


KEYS: Final = AttackStep(
    "keys and rights in AWS",
    (
        (aws(_EVE, THIEF, "iam", "CreateAccessKey", {"userName": "svc-model-sync"}),),
        (aws(_EVE, THIEF, "iam", "UpdateAssumeRolePolicy", {"roleName": "svc-model-sync"}),),
        (aws("user svc-model-sync", THIEF, "sts", "GetFederationToken", {"name": "x"}),),
        (
            aws(
                _EVE,
                THIEF,
                "iam",
                "AttachRolePolicy",
                {"roleName": "svc-model-sync", "policyArn": "arn:x"},
            ),
        ),
        (_s3("PutBucketPolicy", parameters={"bucketPolicy": _OWN_POLICY}),),
        (aws(_EVE, THIEF, "iam", "CreatePolicyVersion", {"policyArn": "arn:x", "userName": "svc-model-sync"}),),
        (aws(_EVE, THIEF, "iam", "UploadSSHPublicKey", {"userName": "svc-model-sync"}),),
        (aws(_EVE, THIEF, "iam", "DeleteUserPermissionsBoundary", {"userName": "svc-model-sync"}),),
        (aws(_EVE, THIEF, "ec2-instance-connect", "SendSSHPublicKey", {"instanceId": "i-0ml"}),),
        (aws(_EVE, THIEF, "eks", "CreateAccessEntry", {"userName": "svc-model-sync", "name": "ml"}),),
    ),
    (
        (aws("user ada", DESK, "ec2-instance-connect", "SendSSHPublicKey", {"instanceId": "i-0ml"}),),
        (aws("user ada", DESK, "iam", "ListAccessKeys", {"userName": "svc-model-sync"}),),
        (aws(_EVE, THIEF, "iam", "CreateAccessKey", {"userName": "svc-model-sync"}, **REFUSED),),
        (
            _s3(
                "PutBucketPolicy",
                "user ada",
                DESK,
                {"bucketPolicy": _OWN_POLICY},
                recipientAccountId="111122223333",
            ),
        ),
        (aws("user ada", DESK, "iam", "DeleteAccessKey", {"userName": "svc-model-sync"}),),
    ),
)

PUBLIC: Final = AttackStep(
    "a store opened to everybody",
    (
        (_s3("PutBucketPolicy", parameters={"bucketPolicy": _POLICY}),),
        (_s3("PutBucketAcl", parameters={"x-amz-acl": "public-read"}),),
        (_s3("DeleteBucketPublicAccessBlock"),),
        (_s3("PutObjectAcl", parameters={"key": "m.pt", "x-amz-acl": "public-read"}),),
        (_s3("PutBucketWebsite"), _s3("DeletePublicAccessBlock")),
    ),
    (
        (_s3("PutBucketPolicy", "user ada", DESK, {"bucketPolicy": _OWN_POLICY}),),
        (_s3("PutBucketPolicy", parameters={"bucketPolicy": _POLICY}, **REFUSED),),
        (_s3("GetBucketPolicy", "user ada", DESK),),
        (_s3("PutBucketPublicAccessBlock", "user ada", DESK, {"PublicAccessBlockConfiguration": {
            "RestrictPublicBuckets": True, "BlockPublicAcls": True}}),),
    ),
)  # fmt: skip

ANONYMOUS: Final = AttackStep(
    "reads without an account",
    (
        (_s3("GetObject", "nobody", parameters={"key": "m.pt"}),),
        (_s3("ListObjectsV2", "nobody"),),
        (_s3("HeadObject", "nobody", parameters={"key": "m.pt"}),),
    ),
    (
        (_s3("GetObject", "nobody", parameters={"key": "m.pt"}, **REFUSED),),
        (_s3("GetObject", _CI, "10.0.9.4", {"key": "m.pt"}),),
        (aws("nobody", THIEF, "sts", "AssumeRoleWithWebIdentity"),),
    ),
)

BULK: Final = AttackStep(
    "models carried away at once",
    (
        tuple(
            _s3(
                "CopyObject",
                parameters={
                    "bucketName": "eve-loot",
                    "key": f"m{number}.pt",
                    "x-amz-copy-source": f"ml-models/m{number}.pt",
                },
            )
            for number in range(30)
        ),
        _keys("GetObject", 40),
        _keys("GetObject", 25, 10.0, form="checkpoints/{}.safetensors"),
        _keys("GetObject", 30, form="shards/{}.parquet"),
        tuple(_google_read(_GOOGLE_EVE, form=f"v{number}/m.safetensors") for number in range(30)),
        cloud_services.blobs(30),
    ),
    (
        _keys("GetObject", 40, who=_CI, address="10.0.9.4"),
        _keys("GetObject", 8),
        _keys("GetObject", 40, form="logs/{}.txt"),
    ),
)

SLOW: Final = AttackStep(
    "models carried away slowly",
    (
        _keys("GetObject", 70, 900.0),
        _keys("GetObject", 65, 1_200.0, form="x/{}.gguf"),
        _keys("GetObject", 80, 700.0, form="x/{}.npz"),
    ),
    (
        _keys("GetObject", 20, 3_000.0),
        _keys("GetObject", 70, 900.0, who=_CI, address="10.0.9.4"),
        _keys("GetObject", 70, 7_200.0),
    ),
)

LOGGED_IN: Final = AttackStep(
    "a login, then models carried away",
    (
        (sshd("eve", THIEF), *_keys("GetObject", 40)),
        (sshd("eve", THIEF), {**sshd("eve", THIEF), "pause": 3_600}, *_keys("GetObject", 40, form="x/{}.npz")),
        (sshd("eve", "198.51.100.9"), *_keys("GetObject", 60, 5.0, form="x/{}.gguf")),
    ),
    (
        (sshd("ada", THIEF), *_keys("GetObject", 40)),
        (sshd("eve", THIEF, good=False), *_keys("GetObject", 40)),
        (sshd("eve", THIEF), *({**row, "pause": 50_000.0 if number == 0 else 1.0}
                               for number, row in enumerate(_keys("GetObject", 40)))),
        (sshd("eve", THIEF), *_keys("GetObject", 5)),
    ),
)  # fmt: skip

REPLICATED: Final = AttackStep(
    "a store copied elsewhere",
    (
        (_s3("PutBucketReplication"),),
        (aws(_EVE, THIEF, "s3", "CreateAccessPoint", {"bucketName": "ml-models", "name": "x"}),),
        (aws(_EVE, THIEF, "datasync", "CreateTask", {"bucketName": "ml-models"}),),
        (
            aws(
                _EVE, THIEF, "ec2", "ModifySnapshotAttribute", {"snapshotId": "i-0ml", "createVolumePermission": _ADDED}
            ),
        ),
        (aws(_EVE, THIEF, "ec2", "ModifyImageAttribute", {"imageId": "i-0ml", "launchPermission": _ADDED}),),
        (
            aws(
                _EVE,
                THIEF,
                "rds",
                "ModifyDBSnapshotAttribute",
                {"dBSnapshotIdentifier": "i-0ml", "attributeName": "restore", "valuesToAdd": ["444455556666"]},
            ),
        ),
    ),
    (
        (_s3("GetBucketReplication", "user ada", DESK),),
        (_s3("PutBucketReplication", **REFUSED),),
        (_s3("DeleteBucketReplication", "user ada", DESK),),
        (
            aws(
                "user ada",
                DESK,
                "ec2",
                "ModifyImageAttribute",
                {"imageId": "i-0ml", "launchPermission": {"remove": _ADDED["add"]}},
            ),
        ),
    ),
)

DESTROYED: Final = AttackStep(
    "a store destroyed",
    (
        (_s3("DeleteBucket"),),
        (_s3("PutBucketVersioning", parameters={"VersioningConfiguration": {"Status": "Suspended"}}),),
        (_s3("PutBucketLifecycle", parameters={"LifecycleConfiguration": {"Rule": {
            "Status": "Enabled", "Expiration": {"Days": 1}}}}),),
        (_s3("PutBucketLifecycleConfiguration", parameters={"LifecycleConfiguration": {"Rule": {
            "Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}}}),),
        (_s3("DeleteObjectVersion", parameters={"key": "m.pt", "versionId": "1"}),),
        (aws(_EVE, THIEF, "kms", "ScheduleKeyDeletion", {"keyId": "arn:aws:kms:eu-central-1:1:key/i-0ml"}),),
        (aws(_EVE, THIEF, "ecr", "BatchDeleteImage", {"repositoryName": "ml/serve", "imageIds": []}),),
    ),
    (
        (_s3("PutBucketVersioning", "user ada", DESK, {"VersioningConfiguration": {"Status": "Enabled"}}),),
        (_s3("PutBucketLifecycle", "user ada", DESK, {"LifecycleConfiguration": {"Rule": {
            "Expiration": {"Days": 365}}}}),),
        (_s3("DeleteBucket", **REFUSED),),
        (aws("user ada", DESK, "ecr", "BatchDeleteImage", {"repositoryName": "ml/serve"}),),
    ),
)  # fmt: skip

EMPTIED: Final = AttackStep(
    "the objects of a store deleted",
    (
        _keys("DeleteObject", 60),
        _keys("DeleteObjects", 60),
        tuple({**row, "pause": 1.0} for row in _keys("DeleteObject", 200, form="data/{}.parquet")),
    ),
    (
        _keys("DeleteObject", 4, who="user ada", address=DESK),
        _keys("DeleteObject", 40, 1_800.0, who=_CI, address="10.0.9.4", form="tmp/{}.tmp"),
        _keys("DeleteObject", 60, form="out/_temporary/0/part-{}.parquet"),
        tuple({**row, **REFUSED} for row in _keys("DeleteObject", 60)),
    ),
)

HELD: Final = AttackStep(
    "a store held to ransom",
    tuple(
        tuple(
            _s3(name, parameters={"key": form.format(number), _CUSTOMER: "AES256"})
            for number in range(60)
        )
        for name, form in (("CopyObject", "m{}.pt"), ("PutObject", "m{}.pt"), ("CopyObject", "shard-{}.parquet"))
    ),
    (
        tuple(_s3("PutObject", "user ada", DESK, {"key": f"m{number}.pt", "x-amz-server-side-encryption": "aws:kms"})
              for number in range(60)),
        tuple(_s3("PutObject", "user ada", DESK, {
            "key": f"m{number}.pt", _CUSTOMER: "AES256"})
              for number in range(4)),
        tuple(_s3("CopyObject", "user ada", DESK, {"key": f"m{number}.pt"}) for number in range(60)),
    ),
)  # fmt: skip


def _sagemaker(name: str, parameters: Row, who: str = _EVE, address: str = THIEF, **more: Any) -> Row:
    return aws(who, address, "sagemaker", name, parameters, **more)


STOPPED: Final = AttackStep(
    "an endpoint of SageMaker stopped",
    (
        (_sagemaker("DeleteEndpoint", {"endpointName": "digits"}),),
        (_sagemaker("UpdateEndpointWeightsAndCapacities", {"endpointName": "digits", "DesiredWeightsAndCapacities": [
            {"VariantName": "a", "DesiredInstanceCount": 0}]}),),
        (_sagemaker("DeleteModel", {"modelName": "digits"}),),
        (_sagemaker("UpdateInferenceComponentRuntimeConfig", {"endpointName": "digits", "desiredRuntimeConfig": {
            "copyCount": 0}}),),
        (_sagemaker("DeleteInferenceComponent", {"endpointName": "digits", "inferenceComponentName": "a"}),),
        (aws(_EVE, THIEF, "ec2", "TerminateInstances", {"instancesSet": {"items": [
            {"instanceId": "i-0other"}, {"instanceId": "i-0ml"}]}}),),
    ),
    (
        (aws("user ada", DESK, "ec2", "StopInstances", {"instancesSet": {"items": [{"instanceId": "i-0ml"}]}}),),
        (_sagemaker("DescribeEndpoint", {"endpointName": "digits"}, "user ada", DESK),),
        (_sagemaker("DeleteEndpoint", {"endpointName": "digits"}, **REFUSED),),
        (_sagemaker("CreateEndpoint", {"endpointName": "digits-2"}, "user ada", DESK),),
    ),
)  # fmt: skip

STOPPED_GOOGLE: Final = AttackStep(
    "an endpoint of Vertex AI stopped",
    (
        (_vertex("EndpointService.DeleteEndpoint"),),
        (_vertex("EndpointService.UndeployModel"),),
        (_vertex("ModelService.DeleteModel"),),
        (google(_GOOGLE_EVE, THIEF, "aiplatform", "google.cloud.aiplatform.v1beta1.EndpointService.DeleteEndpoint",
                "projects/ml/locations/europe-west4/endpoints/digits"),),
        (google(_GOOGLE_EVE, THIEF, "storage", "storage.buckets.delete", _BUCKET),),
    ),
    (
        (_vertex("EndpointService.GetEndpoint", "ada@example.org", DESK),),
        (_vertex("EndpointService.DeleteEndpoint", status={"code": 7}),),
        (_vertex("PredictionService.Predict", "ada@example.org", DESK),),
    ),
)  # fmt: skip

STOPPED_AZURE: Final = AttackStep(
    "an endpoint of Azure Machine Learning stopped",
    (
        *(
            (_azure(f"MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/{what}/DELETE"),)
            for what in ("ONLINEENDPOINTS", "ONLINEENDPOINTS/DEPLOYMENTS", "MODELS", "COMPUTES")
        ),
        (
            {
                **_azure("MICROSOFT.STORAGE/STORAGEACCOUNTS/DELETE"),
                "resourceId": "/SUBSCRIPTIONS/S/PROVIDERS/MICROSOFT.STORAGE/STORAGEACCOUNTS/ml-models",
            },
        ),
    ),
    (
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/ONLINEENDPOINTS/READ"),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/ONLINEENDPOINTS/DELETE", "Failure"),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/ONLINEENDPOINTS/WRITE"),),
    ),
)


def _opened(*members: str, who: str = _GOOGLE_EVE, action: str = "ADD", **more: Any) -> Row:
    deltas = [{"action": action, "role": "roles/storage.objectViewer", "member": member} for member in members]
    return {
        **google(who, THIEF, "storage", "storage.setIamPermissions", _BUCKET,
                 serviceData={"policyDelta": {"bindingDeltas": deltas}}, **more),
        "resource": {"type": "gcs_bucket", "labels": {"bucket_name": "ml-models"}},
    }  # fmt: skip


PUBLIC_GOOGLE: Final = AttackStep(
    "a store of Google opened to everybody",
    ((_opened("allUsers"),), (_opened("allAuthenticatedUsers"),), (_opened("user:ada@example.org", "allUsers"),)),
    (
        (_opened("user:ada@example.org"),),
        (_opened("allUsers", status={"code": 7}),),
        (_opened("serviceAccount:sync@ml.iam.gserviceaccount.com"),),
    ),
)


ANONYMOUS_GOOGLE: Final = AttackStep(
    "reads of a store of Google without an account",
    ((_google_read(None),), (_google_read(None, "list"),), (_google_read(None), _google_read(None))),
    (
        (_google_read("ada@example.org"),),
        (_google_read(None, status={"code": 7}),),
        (_google_read(None, "create", status={"code": 16}),),
    ),
)

RIGHTS_GOOGLE: Final = AttackStep(
    "keys and rights in Google Cloud",
    (
        (google(_GOOGLE_EVE, THIEF, "iam", "google.iam.admin.v1.CreateServiceAccountKey",
                "projects/-/serviceAccounts/svc-model-sync") | {"bucket": "ml-models"},),
        (_opened("user:eve@example.org"),),
        (google(_GOOGLE_EVE, THIEF, "iam", "google.iam.admin.v1.UploadServiceAccountKey", "projects/-/x")
         | {"bucket": "ml-models"},),
        (google(_GOOGLE_EVE, THIEF, "cloudresourcemanager", "SetIamPolicy", "projects/ml")
         | {"bucket": "ml-models"},),
    ),
    (
        (google("ada@example.org", DESK, "iam", "google.iam.admin.v1.ListServiceAccountKeys", "projects/-/x"),),
        (google(_GOOGLE_EVE, THIEF, "iam", "google.iam.admin.v1.CreateServiceAccountKey", "x", status={"code": 7}),),
        (google("ada@example.org", DESK, "storage", "storage.getIamPermissions", _BUCKET),),
        (_opened("allUsers", "user:bob@example.org", action="REMOVE"),),
    ),
)  # fmt: skip

_NODE: Final = "role svc-model-sync/i-0123456789abcdef0"

TAKEN_ROLE: Final = AttackStep(
    "credentials of an instance used elsewhere",
    (
        (aws(_NODE, THIEF, "sts", "GetCallerIdentity"),),
        (aws(_NODE, THIEF, "s3", "ListBucket", {"bucketName": "ml-models"}),),
        (aws(_NODE, THIEF, "ec2", "DescribeInstances", **REFUSED),),
        (aws("role training/i-0ml", THIEF, "s3", "GetObject", {"bucketName": "ml-models", "key": "m.pt"}),),
    ),
    (
        (aws(_NODE, DESK, "s3", "GetObject", {"bucketName": "ml-models", "key": "m.pt"}),),
        (aws("role svc-model-sync/nightly", THIEF, "s3", "ListBucket", {"bucketName": "ml-models"}),),
        (aws(_NODE, "10.0.9.4", "kms", "Decrypt"),),
        (aws("user i-0123456789abcdef0", THIEF, "s3", "ListBucket", {"bucketName": "ml-models"}),),
    ),
)

COMMANDED: Final = AttackStep(
    "a command sent to an instance",
    (
        (aws(_EVE, THIEF, "ssm", "SendCommand", {"documentName": "AWS-RunShellScript", "instanceIds": ["i-0ml"]}),),
        (aws(_EVE, THIEF, "ssm", "StartSession", {"target": "i-0ml"}),),
        (aws(_EVE, THIEF, "ec2", "ModifyInstanceAttribute", {"instanceId": "i-0ml", "userData": "<sensitive>"}),),
        (aws("role admin/eve", THIEF, "ssm", "StartSession", {"target": "i-0ml"}),),
    ),
    (
        (aws("user ada", DESK, "ssm", "StartSession", {"target": "i-0ml"}),),
        (aws(_EVE, THIEF, "ssm", "StartSession", {"target": "i-0ml"}, **REFUSED),),
        (aws(_CI, DESK, "ssm", "SendCommand", {"documentName": "AWS-RunPatchBaseline", "instanceIds": ["i-0ml"]}),),
        (aws(_EVE, THIEF, "ec2", "ModifyInstanceAttribute", {"instanceId": "i-0ml", "ebsOptimized": True}),),
        (aws(_EVE, THIEF, "ssm", "DescribeInstanceInformation", {"instanceId": "i-0ml"}),),
    ),
)

REPLACED: Final = AttackStep(
    "the code of a function replaced",
    (
        (aws(_EVE, THIEF, "lambda", "UpdateFunctionCode20150331v2", {"functionName": "i-0ml"}),),
        (aws(_EVE, THIEF, "lambda", "UpdateFunctionConfiguration20150331v2",
             {"functionName": "i-0ml", "layers": ["arn:aws:lambda:eu-central-1:444455556666:layer:x:1"]}),),
        (aws(_EVE, THIEF, "lambda", "AddPermission20150331v2", {"functionName": "i-0ml", "principal": "*"}),),
        (aws("user ada", DESK, "lambda", "AddPermission20150331v2", {"functionName": "i-0ml", "principal": "*"}),),
    ),
    (
        (aws(_CI, DESK, "lambda", "UpdateFunctionCode20150331v2", {"functionName": "i-0ml"}),),
        (aws("user ada", DESK, "lambda", "UpdateFunctionCode20150331v2", {"functionName": "i-0ml"}),),
        (aws(_EVE, THIEF, "lambda", "UpdateFunctionCode20150331v2", {"functionName": "i-0ml"}, **REFUSED),),
        (aws(_EVE, THIEF, "lambda", "UpdateFunctionConfiguration20150331v2",
             {"functionName": "i-0ml", "memorySize": 512}),),
        (aws(_EVE, THIEF, "lambda", "AddPermission20150331v2",
             {"functionName": "i-0ml", "principal": "s3.amazonaws.com"}),),
    ),
)  # fmt: skip


def _secrets(count: int, pause: float, who: str = f"user {SYNC}", address: str = THIEF, form: str = "s{}") -> Rows:
    read = (aws(who, address, "secretsmanager", "GetSecretValue", {"secretId": form.format(n)}) for n in range(count))
    return tuple({**row, PAUSE: pause} for row in read)


SECRETS: Final = AttackStep(
    "many secrets read",
    (
        _secrets(20, 1.0),
        _secrets(12, 40.0, form="arn:aws:secretsmanager:eu-central-1:111122223333:secret:db-{}"),
        _secrets(15, 5.0, f"role {SYNC}/x"),
        tuple(
            google(
                SYNC,
                THIEF,
                "secretmanager",
                "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion",
                f"projects/1/secrets/db-{number}/versions/latest",
            )
            for number in range(12)
        ),
        tuple(
            {
                "time": None,
                "type": "response",
                "auth": {"display_name": SYNC},
                "request": {
                    "id": f"{number}",
                    "operation": "read",
                    "path": f"kv/data/db-{number}",
                    "remote_address": THIEF,
                },
            }
            for number in range(12)
        ),
    ),
    (
        _secrets(8, 1.0),
        _secrets(30, 1.0, form="database"),
        _secrets(20, 1.0, address=DESK),
        _secrets(20, 120.0),
    ),
)

STEPS: Final = {
    **cloud_services.STEPS,
    "secrets_bulk_read": SECRETS,
    "instance_role_elsewhere": TAKEN_ROLE,
    "host_told_to_run": COMMANDED,
    "function_code_changed": REPLACED,
    "ml_account_manipulation": KEYS,
    "store_made_public": PUBLIC,
    "store_read_anonymously": ANONYMOUS,
    "model_bulk_read": BULK,
    "model_slow_read": SLOW,
    "login_then_export": LOGGED_IN,
    "store_replicated": REPLICATED,
    "store_destroyed": DESTROYED,
    "store_objects_deleted": EMPTIED,
    "model_store_encrypted": HELD,
    "ml_endpoint_stopped": STOPPED,
    "ml_endpoint_stopped_gcp": STOPPED_GOOGLE,
    "ml_endpoint_stopped_azure": STOPPED_AZURE,
    "store_made_public_gcp": PUBLIC_GOOGLE,
    "store_read_anonymously_gcp": ANONYMOUS_GOOGLE,
    "gcp_rights_granted": RIGHTS_GOOGLE,
}
"""By the rule's name."""
