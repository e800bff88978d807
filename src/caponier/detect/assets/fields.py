"""Where the assets of an ML system stand in the events of logs: field names by kind of asset, as data.

Names are those after flattening, in lower case. docs/how-to/logs.md prints this table.
"""

from typing import Final

from caponier.telemetry.security_logs.identity import ACCOUNT_FIELDS, HOST_FIELDS

ASSET_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "host": (*HOST_FIELDS, "dst_hostname", "dst_ip", "dst_endpoint.ip", "destination.ip", "instance", "target_host"),
    "account": (
        *ACCOUNT_FIELDS,
        *("requestparameters.username", "requestparameters.rolename", "requestparameters.userarn"),
        *("target_user", "target.user.name", "user.target.name", "useridentity.sessioncontext.sessionissuer.arn"),
        # Whose rights a job, a model or a notebook is given.
        *("requestparameters.rolearn", "requestparameters.executionrolearn", "requestobject.subjects.name"),
    ),
    "bucket": (
        *("bucket", "bucket_name", "bucketname", "requestparameters.bucketname"),
        *("resource.labels.bucket_name", "s3.bucket", "container_name"),
        # What is copied elsewhere is a call to the other bucket.
        *("requestparameters.x-amz-copy-source", "requestparameters.s3bucketarn"),
    ),
    "registry": (
        *(
            "registry",
            "container.image",
            "requestparameters.repositoryname",
            "requestparameters.registryid",
            "repository",
        ),
        *("repository.name", "target.repository", "request.host", "cs-host"),
    ),
    "image": (
        *("image", "container.image", "container.image.name", "target.repository", "requestparameters.repositoryname"),
        *("requestobject.spec.containers.image", "requestobject.spec.template.spec.containers.image"),
    ),
    "endpoint": (
        "requestparameters.endpointname",
        "requestparameters.endpointconfigname",
        "endpoint",
        "url",
        "url.full",
        "url.original",
        "uri",
        "request.host",
        "cs-host",
        "http_request.url",
    ),
    "dataset": (
        *("dataset", "path", "file", "filename", "file.path", "targetfilename", "sourcefilename", "uri", "object"),
        # Of a database its name, and in a vault of secrets the path.
        *("database_name", "request.path", "table"),
        *("key", "requestparameters.key", "resources.arn"),
    ),
    "model": (
        *("model", "model_name", "modelname", "requestparameters.modelname", "registered_model", "objectref.name"),
        *("requestparameters.modelpackagegroupname", "requestparameters.modelpackagename"),
        "requestparameters.modelpackagearn",
        # What serves a model is mostly named like it.
        *("endpoint", "requestparameters.endpointname"),
    ),
    "namespace": (
        "objectref.namespace",
        "namespace",
        "kubernetes.namespace_name",
        "orchestrator.namespace",
        "podnamespace",
        # Whose accounts are given rights.
        "requestobject.subjects.namespace",
    ),
    "cluster": (
        *("requestparameters.clustername", "cluster", "resource.labels.cluster_name", "orchestrator.cluster.name"),
        "requestparameters.name",
    ),
    "instance": (
        *("requestparameters.instancesset.items.instanceid", "requestparameters.instanceid", "instance-id"),
        *("resource.labels.instance_id", "cloud.instance.id", "instance_id"),
        # Disks and images are known by ids of the cloud, too.
        *("requestparameters.instanceids", "requestparameters.target", "requestparameters.volumeid"),
        *("requestparameters.snapshotid", "requestparameters.imageid", "requestparameters.dbsnapshotidentifier"),
        # So are functions.
        *("requestparameters.functionname", "resource.labels.function_name"),
        # And notebooks, the domain that holds them, and the keys that stores are encrypted with.
        *("requestparameters.notebookinstancename", "requestparameters.domainid", "requestparameters.keyid"),
        # Networks, by their groups, and databases.
        *("requestparameters.groupid", "requestparameters.dbinstanceidentifier"),
        # Of the role that a machine carries the session bears the machine's id.
        "useridentity.arn",
        # And whatever an inventory names by its name alone.
        *("endpoint", "model", "repository", "target_host", "database_name"),
        # The path of a resource ends with its name, whatever kind of thing it is: no list of kinds ever has all.
        *("resourceid", "_resourceid", "protopayload.resourcename"),
        # A service or an application as a whole: that of the cloud, and what somebody logs in to.
        *("eventsource", "gcp.audit.service_name", "app", "appdisplayname", "properties.appdisplayname"),
        *("resourcedisplayname", "properties.resourcedisplayname", "target.displayname", "request.path"),
    ),
}

NAMED_FIELDS: Final = ("requestparameters.", "requestparams.", "request_params.", "protopayload.request.")
"""Beginnings of the names under which a call says what it is about; of these, what ends as `NAMING` counts."""
NAMING: Final = ("name", "names", "id", "identifier", "arn", "ids", "model")

NAMING_BUCKETS: Final = ("bucketname", "bucket_name", "bucket")
"""The same of stores, which a job that copies names deep within what it is asked for."""

OBJECT_FIELDS: Final = ("key", "object", "object_name", "requestparameters.key", "s3.object.key")
"""The object in a bucket; bucket and object together are a path, too."""
