"""Steps in a Kubernetes cluster that serves models."""

from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import DESK, THIEF, AttackStep, Row, kubernetes

_EVE: Final = "eve@example.org"
_ADA: Final = "ada@example.org"
_CONTROLLER: Final = "system:serviceaccount:kube-system:deployment-controller"


def _image(name: str) -> Row:
    return {"spec": {"template": {"spec": {"containers": [{"name": "serve", "image": name}]}}}}


_FOREIGN: Final = "evil.example.net/serve:1"
_KSERVE: Final[dict[str, Any]] = {"apiGroup": "serving.kserve.io"}

RIGHTS: Final = AttackStep(
    "rights in a cluster",
    (
        (kubernetes(_EVE, THIEF, "create", "rolebindings", name="eve-admin", code=201),),
        (kubernetes(_EVE, THIEF, "patch", "clusterroles", name="view"),),
        (kubernetes(_EVE, THIEF, "create", "serviceaccounts", name="default", subresource="token", code=201),),
        (kubernetes(_EVE, THIEF, "create", "secrets",
                    {"type": "kubernetes.io/service-account-token", "metadata": {"name": "t"}}, name="t", code=201),),
    ),
    (
        (kubernetes(_EVE, THIEF, "create", "rolebindings", name="eve-admin", code=403),),
        (kubernetes(_CONTROLLER, "10.0.0.1", "update", "clusterroles", name="edit"),),
        (kubernetes(_ADA, DESK, "list", "rolebindings"),),
        (kubernetes(_ADA, DESK, "create", "secrets", {"type": "Opaque"}, name="s", code=201),),
    ),
)  # fmt: skip

EXEC: Final = AttackStep(
    "a command within a pod",
    (
        (kubernetes(_EVE, THIEF, "create", "pods", name="serve-0", subresource="exec", code=101),),
        (kubernetes(_EVE, THIEF, "create", "pods", name="serve-0", subresource="portforward", code=101),),
        (kubernetes(_EVE, THIEF, "patch", "pods", name="serve-0", subresource="ephemeralcontainers"),),
        (kubernetes(_EVE, THIEF, "create", "pods", name="serve-0", subresource="proxy", code=200),),
        (kubernetes(_EVE, THIEF, "get", "nodes", name="gpu-node", subresource="proxy"),),
    ),
    (
        (kubernetes(_EVE, THIEF, "create", "pods", name="serve-0", subresource="exec", code=403),),
        (kubernetes(_ADA, DESK, "get", "pods", name="serve-0", subresource="log"),),
        (kubernetes("system:node:gpu-node", "10.0.0.9", "patch", "pods", name="serve-0", subresource="status"),),
    ),
)

IMAGE: Final = AttackStep(
    "an image set on a workload",
    (
        (kubernetes(_EVE, THIEF, "patch", "deployments", _image(_FOREIGN), apiGroup="apps"),),
        (kubernetes(_EVE, THIEF, "create", "jobs", _image(_FOREIGN), apiGroup="batch", code=201),),
        (kubernetes(_EVE, THIEF, "patch", "inferenceservices",
                    {"spec": {"predictor": {"containers": [{"image": _FOREIGN}]}}}, **_KSERVE),),
        (kubernetes(_EVE, THIEF, "patch", "inferenceservices",
                    {"spec": {"predictor": {"model": {"storageUri": "s3://evil/model"}}}}, **_KSERVE),),
        (kubernetes(_EVE, THIEF, "create", "cronjobs",
                    {"spec": {"jobTemplate": {"spec": {"template": {"spec": {
                        "initContainers": [{"image": _FOREIGN}]}}}}}}, apiGroup="batch", code=201),),
    ),
    (
        (kubernetes(_CONTROLLER, "10.0.0.1", "update", "replicasets", _image("registry.example.org/ml/serve:2")),),
        (kubernetes(_ADA, DESK, "patch", "deployments", {"metadata": {"annotations": {"a": "b"}}}),),
        (kubernetes(_EVE, THIEF, "patch", "deployments", _image(_FOREIGN), code=403),),
    ),
)  # fmt: skip

SCALED: Final = AttackStep(
    "a model server scaled to nothing",
    (
        (kubernetes(_EVE, THIEF, "patch", "deployments", {"spec": {"replicas": 0}}, subresource="scale"),),
        (kubernetes(_EVE, THIEF, "delete", "deployments", apiGroup="apps"),),
        (kubernetes(_EVE, THIEF, "deletecollection", "services"),),
        (kubernetes(_EVE, THIEF, "patch", "inferenceservices",
                    {"spec": {"predictor": {"minReplicas": 0, "maxReplicas": 0}}}, **_KSERVE),),
        (kubernetes(_EVE, THIEF, "delete", "persistentvolumeclaims", name="models"),),
    ),
    (
        (kubernetes(_ADA, DESK, "patch", "deployments", {"spec": {"replicas": 4}}, subresource="scale"),),
        (kubernetes("system:serviceaccount:kube-system:generic-garbage-collector", "10.0.0.1", "delete",
                    "deployments"),),
        (kubernetes(_EVE, THIEF, "delete", "deployments", code=403),),
        (kubernetes(_ADA, DESK, "delete", "pods", name="serve-0"),),
    ),
)  # fmt: skip

DELETED: Final = AttackStep(
    "an inference service deleted",
    (
        (kubernetes(_EVE, THIEF, "delete", "inferenceservices", **_KSERVE),),
        (kubernetes(_EVE, THIEF, "deletecollection", "servingruntimes", **_KSERVE),),
        (kubernetes(_EVE, THIEF, "delete", "seldondeployments", apiGroup="machinelearning.seldon.io"),),
        (kubernetes(_EVE, THIEF, "delete", "rayservices", apiGroup="ray.io"),),
    ),
    (
        (kubernetes(_ADA, DESK, "get", "inferenceservices", **_KSERVE),),
        (kubernetes("system:serviceaccount:kserve:kserve-controller-manager", "10.0.0.7", "delete",
                    "inferenceservices", **_KSERVE),),
        (kubernetes(_EVE, THIEF, "delete", "inferenceservices", code=403, **_KSERVE),),
    ),
)  # fmt: skip

_POD: Final = "system:serviceaccount:ml:serve"
_NOBODY: Final = "system:anonymous"
STRANGER: Final = AttackStep(
    "a cluster read by a stranger",
    (
        (kubernetes(_EVE, THIEF, "list", "secrets"),),
        (kubernetes(_EVE, THIEF, "get", "secrets", name="store-key"),),
        (kubernetes(_NOBODY, THIEF, "get", "pods", name="serve-0"),),
        (kubernetes(_POD, THIEF, "list", "configmaps"),),
    ),
    (
        (kubernetes(_ADA, DESK, "get", "secrets", name="store-key"),),
        (kubernetes(_EVE, THIEF, "list", "secrets", code=403),),
        (kubernetes(_NOBODY, THIEF, "get", "pods", name="serve-0", code=401),),
        (kubernetes(_POD, "10.0.0.9", "get", "secrets", name="store-key"),),
    ),
)

STEPS: Final = {
    "cluster_read_by_stranger": STRANGER,
    "cluster_rights_bound": RIGHTS,
    "workload_exec": EXEC,
    "workload_image_set": IMAGE,
    "workload_scaled_to_zero": SCALED,
    "inference_service_deleted": DELETED,
}
"""By the rule's name."""
