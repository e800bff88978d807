"""Steps in what clouds offer for ML: notebooks, jobs, endpoints, language models, machines, and the logs about them."""

from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import DESK, REFUSED, THIEF, AttackStep, Row, aws, google
from caponier.emulate.office import SYNC

_EVE: Final = "user eve"
_ADA: Final = "user ada"
_SYNC: Final = f"user {SYNC}"
_CI: Final = "role ci-release/pipeline"
_PLACE: Final = "projects/ml/locations/europe-west4"
_GROUP: Final = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/ML/PROVIDERS/"
_WORKSPACE: Final = f"{_GROUP}MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/i-0ml"
_MACHINE: Final = f"{_GROUP}MICROSOFT.COMPUTE/VIRTUALMACHINES/gpu-01.ml.example.org"
_DISK: Final = f"{_GROUP}MICROSOFT.COMPUTE/DISKS/i-0ml"
_STORE: Final = f"{_GROUP}MICROSOFT.STORAGE/STORAGEACCOUNTS/ml-models"


def _sagemaker(name: str, address: str = THIEF, who: str = _EVE, parameters: Row | None = None, **more: Any) -> Row:
    return aws(who, address, "sagemaker", name, parameters or {"notebookInstanceName": "i-0ml"}, **more)


def _bedrock(name: str, address: str = THIEF, who: str = _SYNC, **more: Any) -> Row:
    return aws(who, address, "bedrock", name, {"modelId": "some.model-v1"}, **more)


def _vertex(method: str, place: str, address: str = THIEF, **more: Any) -> Row:
    return google("eve@example.org", address, "aiplatform", f"google.cloud.aiplatform.v1.{method}", place, **more)


def _machine(method: str, address: str = THIEF, **more: Any) -> Row:
    place = "projects/ml/zones/z/instances/gpu-01"
    return google("eve@example.org", address, "compute", f"v1.compute.instances.{method}", place, **more)


def _azure(operation: str, place: str, address: str = THIEF, outcome: str = "Success") -> Row:
    return {
        "resourceId": place, "operationName": operation, "category": "Administrative", "resultType": outcome,
        "callerIpAddress": address, "identity": {"claims": {"name": "eve@example.org"}},
    }  # fmt: skip


CHANGED: Final = AttackStep(
    "what trains or serves changed in SageMaker",
    (
        (_sagemaker("CreatePresignedNotebookInstanceUrl"),),
        (_sagemaker("UpdateNotebookInstance", parameters={
            "notebookInstanceName": "i-0ml", "lifecycleConfigName": "x"}),),
        (_sagemaker("UpdateEndpoint", parameters={"endpointName": "digits", "endpointConfigName": "x"}),),
        (_sagemaker("CreateTrainingJob", parameters={
            "trainingJobName": "x", "roleArn": f"arn:aws:iam::1:role/{SYNC}"}),),
        (aws(_EVE, THIEF, "s3", "PutObject", {"bucketName": "ml-models", "key": "digits/m.safetensors"}),),
    ),
    (
        (aws(_ADA, DESK, "s3", "PutObject", {"bucketName": "ml-models", "key": "digits/m.safetensors"}),),
        (aws(_EVE, THIEF, "s3", "PutObject", {"bucketName": "ml-models", "key": "digits/metrics.json"}),),
        (_sagemaker("CreatePresignedNotebookInstanceUrl", DESK, _ADA),),
        (_sagemaker("CreatePresignedNotebookInstanceUrl", **REFUSED),),
        (_sagemaker("DescribeNotebookInstance"),),
        (_sagemaker("UpdateEndpoint", DESK, _CI, {"endpointName": "digits", "endpointConfigName": "x"}),),
    ),
)  # fmt: skip

CHANGED_GOOGLE: Final = AttackStep(
    "models exported or deployed in Vertex AI",
    (
        (_vertex("ModelService.ExportModel", f"{_PLACE}/models/digits"),),
        (_vertex("ModelService.CopyModel", f"{_PLACE}/models/digits"),),
        (_vertex("EndpointService.DeployModel", f"{_PLACE}/endpoints/digits"),),
        (
            _vertex(
                "EndpointService.DeployModel",
                f"{_PLACE}/endpoints/5512",
                request={"deployedModel": {"model": f"{_PLACE}/models/digits@4"}},
            ),
        ),
    ),
    (
        (_vertex("ModelService.ExportModel", f"{_PLACE}/models/digits", DESK),),
        (_vertex("ModelService.ExportModel", f"{_PLACE}/models/digits", status={"code": 7}),),
        (_vertex("ModelService.GetModel", f"{_PLACE}/models/digits"),),
    ),
)

CHANGED_AZURE: Final = AttackStep(
    "what trains or serves changed in Azure Machine Learning",
    (
        (
            _azure(
                "MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/ONLINEENDPOINTS/DEPLOYMENTS/WRITE",
                f"{_WORKSPACE}/ONLINEENDPOINTS/digits",
            ),
        ),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/JOBS/WRITE", _WORKSPACE),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/DATASTORES/WRITE", _WORKSPACE),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/COMPUTES/APPLICATIONACCESS/ACTION", _WORKSPACE),),
        (_azure("MICROSOFT.AUTHORIZATION/ROLEASSIGNMENTS/WRITE", f"{_WORKSPACE}/PROVIDERS/x"),),
    ),
    (
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/JOBS/WRITE", _WORKSPACE, DESK),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/JOBS/WRITE", _WORKSPACE, outcome="Failure"),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/JOBS/READ", _WORKSPACE),),
    ),
)

ASKED: Final = AttackStep(
    "language models asked with a stolen key",
    (
        (_bedrock("InvokeModel"),),
        (_bedrock("ConverseStream", **REFUSED),),
        (_bedrock("DeleteModelInvocationLoggingConfiguration"),),
        (_bedrock("GetModelInvocationLoggingConfiguration"), _bedrock("InvokeModelWithResponseStream")),
    ),
    (
        (_bedrock("InvokeModel", "10.0.9.4"),),
        (_bedrock("ListFoundationModels"),),
        (_bedrock("InvokeModel", vpcEndpointId="vpce-1"),),
    ),
)

TOLD_GOOGLE: Final = AttackStep(
    "keys and scripts given to a machine of Google Cloud",
    (
        (_machine("setMetadata"),),
        (_machine("setServiceAccount"),),
        (_machine("attachDisk"),),
    ),
    (
        (_machine("setMetadata", DESK),),
        (_machine("setMetadata", status={"code": 7}),),
        (_machine("get"),),
    ),
)

TOLD_AZURE: Final = AttackStep(
    "a command for a machine of Azure",
    (
        (_azure("MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION", _MACHINE),),
        (_azure("MICROSOFT.COMPUTE/VIRTUALMACHINES/EXTENSIONS/WRITE", _MACHINE),),
        (_azure("MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMANDS/WRITE", _MACHINE),),
    ),
    (
        (_azure("MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION", _MACHINE, DESK),),
        (_azure("MICROSOFT.COMPUTE/VIRTUALMACHINES/RUNCOMMAND/ACTION", _MACHINE, outcome="Failure"),),
        (_azure("MICROSOFT.COMPUTE/VIRTUALMACHINES/RESTART/ACTION", _MACHINE),),
    ),
)

KEYS_AZURE: Final = AttackStep(
    "keys of a store, a disk or a model taken",
    (
        (_azure("MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION", _STORE),),
        (_azure("MICROSOFT.COMPUTE/DISKS/BEGINGETACCESS/ACTION", _DISK),),
        (_azure("MICROSOFT.MACHINELEARNINGSERVICES/WORKSPACES/ONLINEENDPOINTS/LISTKEYS/ACTION", _WORKSPACE),),
    ),
    (
        (_azure("MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION", _STORE, DESK),),
        (_azure("MICROSOFT.STORAGE/STORAGEACCOUNTS/LISTKEYS/ACTION", _STORE, outcome="Failure"),),
        (_azure("MICROSOFT.STORAGE/STORAGEACCOUNTS/READ", _STORE),),
    ),
)


def _blob(kind: str, operation: str = "GetBlob", key: str = "/ml-models/digits/m.pt", status: int = 200) -> Row:
    return {
        "time": None, "resourceId": f"{_STORE}/blobServices/default", "category": "StorageRead",
        "operationName": operation, "statusCode": status, "callerIpAddress": f"{THIEF}:51514",
        "identity": {"type": kind, "requester": {"upn": "ada@example.org"} if kind == "OAuth" else {}},
        "properties": {"accountName": "ml-models", "objectKey": key},
    }  # fmt: skip


def blobs(count: int, kind: str = "OAuth", form: str = "/ml-models/digits/{}.safetensors") -> tuple[Row, ...]:
    """Return reads of files in a store of Azure."""
    return tuple(_blob(kind, key=form.format(number)) for number in range(count))


def _databricks(service: str, action: str, address: str = THIEF, status: int = 200, **asked: str) -> Row:
    return {
        "timestamp": None, "serviceName": service, "actionName": action, "sourceIPAddress": address,
        "userIdentity": {"email": "eve@example.org"}, "requestParams": asked or {"name": "digits"},
        "response": {"statusCode": status}, "requestId": "r", "auditLevel": "WORKSPACE_LEVEL", "orgId": "1",
    }  # fmt: skip


ANONYMOUS_AZURE: Final = AttackStep(
    "reads of a store of Azure without an account",
    ((_blob("Anonymous"),), (_blob("Anonymous", "ListBlobs", "/ml-models/digits"),), blobs(5, "Anonymous")),
    (
        (_blob("OAuth"),),
        (_blob("Anonymous", status=404),),
        (_blob("Anonymous", "GetBlobServiceProperties"),),
    ),
)

PLATFORM: Final = AttackStep(
    "models and endpoints of Databricks changed",
    (
        (_databricks("modelRegistry", "transitionModelVersionStage", name="digits", stage="Production"),),
        (_databricks("modelRegistry", "getModelVersionDownloadUri"),),
        (_databricks("serverlessRealTimeInference", "changeInferenceEndpointConfig"),),
        (_databricks("serverlessRealTimeInference", "deleteServingEndpoint"),),
    ),
    (
        (_databricks("modelRegistry", "transitionModelVersionStage", DESK),),
        (_databricks("modelRegistry", "deleteRegisteredModel", status=403),),
        (_databricks("modelRegistry", "searchModelVersions"),),
        (_databricks("serverlessRealTimeInference", "getServingEndpoint"),),
    ),
)


def _ec2(name: str, address: str = THIEF, who: str = _EVE, **asked: Any) -> Row:
    return aws(who, address, "ec2", name, asked)


def _group(cidr: str, port: int, who: str = _EVE, **more: Any) -> Row:
    ranges = {"ipProtocol": "tcp", "fromPort": port, "toPort": port, "ipRanges": {"items": [{"cidrIp": cidr}]}}
    asked = {"groupId": "i-0ml", "ipPermissions": {"items": [ranges]}}
    return aws(who, THIEF, "ec2", "AuthorizeSecurityGroupIngress", asked, **more)


_PARAMETERS: Final[Row] = {"names": ["/ml/a", "/ml/b"], "withDecryption": True}

TAKEN: Final = AttackStep(
    "credentials of machines and applications taken",
    (
        (_ec2("GetPasswordData", instanceId="i-0ml"),),
        (_ec2("DescribeInstanceAttribute", attribute="userData", instanceId="i-0ml"),),
        (aws(_SYNC, THIEF, "secretsmanager", "BatchGetSecretValue", {"filters": [{"key": "all"}]}),),
        (aws(_SYNC, THIEF, "ssm", "GetParameters", _PARAMETERS),),
    ),
    (
        (_ec2("GetPasswordData", DESK, _ADA, instanceId="i-0ml"),),
        (_ec2("DescribeInstanceAttribute", attribute="instanceType", instanceId="i-0ml"),),
        (aws(_SYNC, THIEF, "ssm", "GetParameters", {"names": ["/ml/region"], "withDecryption": False}),),
        (aws(_SYNC, "10.0.9.4", "ssm", "GetParameters", _PARAMETERS),),
        (aws(_SYNC, THIEF, "secretsmanager", "BatchGetSecretValue", {"filters": []}, **REFUSED),),
    ),
)

NETWORK: Final = AttackStep(
    "a network opened to everybody",
    (
        (_group("0.0.0.0/0", 22),),
        (_ec2("AuthorizeSecurityGroupIngress", groupId="i-0ml", cidrIp="0.0.0.0/0", fromPort=8888, toPort=8888),),
        (_group("0.0.0.0/0", 8265),),
    ),
    (
        (_group("0.0.0.0/0", 443),),
        (_group("198.51.100.7/32", 22),),
        (_group("0.0.0.0/0", 22, **REFUSED),),
        (_ec2("RevokeSecurityGroupIngress", groupId="i-0ml", cidrIp="0.0.0.0/0", fromPort=22, toPort=22),),
    ),
)

STEPS: Final = {
    "credentials_taken": TAKEN,
    "network_opened": NETWORK,
    "store_read_anonymously_azure": ANONYMOUS_AZURE,
    "ml_platform_changed": PLATFORM,
    "ml_service_changed": CHANGED,
    "ml_service_changed_gcp": CHANGED_GOOGLE,
    "ml_service_changed_azure": CHANGED_AZURE,
    "llm_used_elsewhere": ASKED,
    "host_told_to_run_gcp": TOLD_GOOGLE,
    "host_told_to_run_azure": TOLD_AZURE,
    "store_keys_taken_azure": KEYS_AZURE,
}
"""By the rule's name."""
