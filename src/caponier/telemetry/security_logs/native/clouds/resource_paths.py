"""What the path of a resource names: clouds tell what a call is about as `.../virtualMachines/gpu-1`, in one field.

Azure writes such paths in any case ("Resource ids" of the Azure Resource Manager), Google Cloud as in "Resource names"
of its API design guide.
"""

from itertools import pairwise
from typing import Final

from caponier.telemetry.security_logs.fields import Fields

_SEGMENTS: Final = 40
"""Parts of a path that are looked at; real ones have about twelve."""
_FIELDS: Final = {
    "serviceaccounts": "target_user",
    "userassignedidentities": "target_user",
    "virtualmachines": "target_host",
    "instances": "target_host",
    "onlineendpoints": "endpoint",
    "batchendpoints": "endpoint",
    "serverlessendpoints": "endpoint",
    "endpoints": "endpoint",
    "models": "model",
    "storageaccounts": "bucket",
    "buckets": "bucket",
    "managedclusters": "cluster",
    "clusters": "cluster",
    "repositories": "repository",
    "registries": "repository",
    "functions": "instance_id",
    "workspaces": "instance_id",
    "disks": "instance_id",
    "snapshots": "instance_id",
    "images": "instance_id",
    "keys": "instance_id",
    "cryptokeys": "instance_id",
    "vaults": "instance_id",
    "secrets": "instance_id",
    "sinks": "instance_id",
    "datasets": "instance_id",
    "featurestores": "instance_id",
    "featuregroups": "instance_id",
    "indexes": "instance_id",
    "reasoningengines": "instance_id",
}
"""Kind of resource to the normalised field that names it."""


def fill_from_path(fields: Fields, source: str) -> None:
    """Fill in what the path of a resource names; what is there already stays.

    Args:
        fields: Of one event.
        source: The field with the path.
    """
    parts = str(fields.get(source, "")).split("/", _SEGMENTS)
    for kind, name in pairwise(parts):
        wanted = _FIELDS.get(kind.lower())
        if wanted == "model":
            # Vertex AI sets a version or an alias behind it.
            name = name.partition("@")[0]
        if wanted and name:
            fields.setdefault(wanted, name.lower() if kind.lower() == "storageaccounts" else name)
