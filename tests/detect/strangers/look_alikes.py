"""What only looks like an attack: name, why, the log."""

from collections.abc import Callable
from typing import Any

from detect.strangers.host_lines import CFH, auditd, auditd_open, cf, clf, dbx, dockerev, pg, snow, sysl, win, zconn
from detect.strangers.lines import (
    LAN,
    VPN,
    at,
    azact,
    ct,
    gcp,
    gh,
    gitlab,
    jl,
    k8s,
    ms,
    okta,
    role,
    s3,
    trail,
    uid,
    user,
)

CI = role("ci-deploy", "GitHubActions")


def days(of_day: Callable[[int], list[Any]]) -> list[Any]:
    """What goes on for three weeks."""
    return [one for day in range(21) for one in of_day(day)]


LOOK_ALIKES = [
    (
        "sm_update_ci",
        "robot deploys weekly",
        trail(
            *days(
                lambda d: [
                    ct(
                        "UpdateEndpoint",
                        "sagemaker",
                        CI,
                        {"endpointName": "fraud-scorer", "endpointConfigName": f"c{d}"},
                        ip="10.20.9.9",
                        t=at(day=d),
                    )
                ]
            )
        ),
    ),
    (
        "admin_tag",
        "tags set over the VPN",
        trail(
            ct(
                "AddTags",
                "sagemaker",
                user("ada"),
                {"resourceArn": "arn:aws:sagemaker:eu-west-1:4:endpoint/fraud-scorer"},
                ip=VPN,
            )
        ),
    ),
    (
        "admin_lambda",
        "function changed over the VPN",
        trail(
            ct(
                "UpdateFunctionConfiguration20150331v2",
                "lambda",
                user("ada"),
                {"functionName": "fraud-preproc", "memorySize": 512},
                ip=VPN,
            )
        ),
    ),
    (
        "admin_delete_old",
        "an old version deleted in the office",
        trail(s3("DeleteObject", "acme-ml-models", "fraud/v1/model.pt", user("ada"), ip=LAN)),
    ),
    (
        "audit_tool",
        "posture scanner of a vendor reads settings",
        trail(
            *[
                ct(n, "s3", role("ci-prowler", "s"), {"bucketName": "acme-ml-models"}, ip="10.20.2.2", ro=True, t=at(i))
                for i, n in enumerate(
                    [
                        "GetBucketPolicy",
                        "GetBucketAcl",
                        "GetBucketLogging",
                        "GetBucketEncryption",
                        "GetBucketVersioning",
                    ]
                )
            ]
        ),
    ),
    (
        "own_org_account",
        "log account of the organisation reads inside",
        trail(s3("GetObject", "acme-training-data", "x.csv", role("audit", "a", "111122220000"), ip="10.20.2.2")),
    ),
    (
        "guardrail_update",
        "guardrail updated over the VPN",
        trail(ct("UpdateGuardrail", "bedrock", user("ada"), {"guardrailIdentifier": "gr-fraud01"}, ip=VPN)),
    ),
    (
        "kms_rotate",
        "rotation of the key switched on",
        trail(ct("EnableKeyRotation", "kms", user("ada"), {"keyId": "1a2b3c4d-1111-2222-3333-444455556666"}, ip=VPN)),
    ),
    (
        "vpce_write",
        "trainer writes through the private endpoint",
        trail(
            *[
                s3(
                    "PutObject",
                    "acme-ml-models",
                    f"fraud/v{i}/model.pt",
                    role("sagemaker-exec-role", "SageMaker"),
                    ip="10.20.4.4",
                    vpcEndpointId="vpce-1",
                    t=at(i * 60),
                )
                for i in range(10)
            ]
        ),
    ),
    (
        "gcs_copy_inside",
        "model copied to staging in the office",
        jl(
            gcp(
                "storage.objects.create",
                "storage.googleapis.com",
                "projects/_/buckets/acme-vertex-models/objects/staging/m.pt",
                "ada@acme.io",
                ip=LAN,
                rtype="gcs_bucket",
                labels={"bucket_name": "acme-vertex-models"},
                log="data_access",
            )
        ),
    ),
    (
        "vertex_schedule",
        "pipeline schedule runs",
        jl(
            *days(
                lambda d: [
                    gcp(
                        "google.cloud.aiplatform.v1.PipelineService.CreatePipelineJob",
                        "aiplatform.googleapis.com",
                        "projects/acme-ml/locations/europe-west1/pipelineJobs/p",
                        "ci-robot@acme-ml.iam.gserviceaccount.com",
                        ip="10.20.9.9",
                        t=at(day=d),
                    )
                ]
            )
        ),
    ),
    (
        "az_vm_start",
        "machine started and stopped in the office",
        jl(
            *[
                azact(
                    f"Microsoft.Compute/virtualMachines/{v}/action",
                    "Microsoft.Compute/virtualMachines/gpu-az-01",
                    "ada@acme.io",
                    ip=LAN,
                    t=at(i * 3000),
                )
                for i, v in enumerate(["start", "deallocate"])
            ]
        ),
    ),
    (
        "az_keys_office",
        "endpoint key fetched in the office",
        jl(
            azact(
                "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/listKeys/action",
                "Microsoft.MachineLearningServices/workspaces/ml-ws/onlineEndpoints/fraud-scorer",
                "ada@acme.io",
                ip=LAN,
            )
        ),
    ),
    (
        "az_autoscale",
        "autoscale rule of Azure itself",
        jl(
            azact(
                "Microsoft.Insights/AutoscaleSettings/Scaleup/Action",
                "Microsoft.MachineLearningServices/workspaces/ml-ws",
                "Microsoft.Insights/autoscaleSettings",
                ip="10.0.0.4",
            )
        ),
    ),
    (
        "k8s_helm",
        "helm release by the robot",
        jl(
            *days(
                lambda d: [
                    k8s(
                        v,
                        r,
                        n,
                        who="system:serviceaccount:argocd:argocd-application-controller",
                        ip="10.20.1.1",
                        t=at(i, d),
                    )
                    for i, (v, r, n) in enumerate(
                        [
                            ("patch", "configmaps", "cfg"),
                            ("update", "secrets", "rel"),
                            ("patch", "services", "fraud-scorer"),
                        ]
                    )
                ]
            )
        ),
    ),
    (
        "k8s_gc",
        "garbage collection of pods",
        jl(
            *[
                k8s(
                    "delete",
                    "pods",
                    f"job-{i}",
                    who="system:serviceaccount:kube-system:pod-garbage-collector",
                    ip="10.20.1.1",
                    t=at(i),
                )
                for i in range(30)
            ]
        ),
    ),
    (
        "k8s_leases",
        "leases renewed by nodes",
        jl(
            *[
                k8s(
                    "update",
                    "leases",
                    "fraud",
                    who="system:serviceaccount:ml-serving:controller",
                    ip="10.20.1.7",
                    group="coordination.k8s.io",
                    t=at(i * 10),
                )
                for i in range(60)
            ]
        ),
    ),
    (
        "k8s_admin_cm",
        "ada edits a config map in the office",
        jl(k8s("patch", "configmaps", "fraud-model-config", who="ada@acme.io", ip=LAN)),
    ),
    (
        "gh_pr",
        "pull requests and merges from home",
        jl(
            *[
                gh(x, actor="ada", ip="84.24.10.9", t=at(i * 60))
                for i, x in enumerate(
                    [
                        "pull_request.create",
                        "pull_request.merge",
                        "git.push",
                        "issues.create",
                        "pull_request_review.submit",
                    ]
                )
            ]
        ),
    ),
    (
        "gh_runs",
        "hosted builds",
        jl(
            *days(
                lambda d: [
                    gh(x, actor="github-actions[bot]", ip="20.1.2.3", t=at(i, d))
                    for i, x in enumerate(
                        [
                            "workflows.prepared_workflow_job",
                            "workflows.created_workflow_run",
                            "workflows.completed_workflow_run",
                        ]
                    )
                ]
            )
        ),
    ),
    (
        "gl_mr",
        "merge requests",
        jl(
            *[
                gitlab(x, author="ada", ip="84.24.10.9", t=at(i))
                for i, x in enumerate(
                    ["merge_request_create", "merge_request_merged_by_project_bot", "repository_git_operation"]
                )
            ]
        ),
    ),
    (
        "okta_selfservice",
        "ada changes her own password over the VPN",
        jl(
            okta(
                "user.account.update_password",
                "ada@acme.io",
                ip=VPN,
                target=[{"id": "00u1", "type": "User", "alternateId": "ada@acme.io", "displayName": "Ada"}],
            )
        ),
    ),
    (
        "useradd_ci",
        "robot makes a user through sudo",
        sysl("gpu-01", "sudo", "ci-ansible : TTY=pts/0 ; PWD=/ ; USER=root ; COMMAND=/usr/sbin/useradd -m carl"),
    ),
    (
        "passwd_change",
        "ada changes her password",
        sysl("gpu-01", "passwd", "pam_unix(passwd:chauthtok): password changed for ada"),
    ),
    (
        "systemctl_work",
        "ada restarts services",
        auditd("/usr/bin/systemctl", ["systemctl", "restart", "mlflow"], uid_=0)
        + auditd("/usr/bin/journalctl", ["journalctl", "-u", "mlflow"], uid_=0, t=at(2))
        + auditd("/usr/bin/systemctl", ["systemctl", "status", "rsyslog"], uid_=0, t=at(4)),
    ),
    (
        "vim_crontab",
        "ada looks at cron and hosts",
        auditd("/usr/bin/crontab", ["crontab", "-l"])
        + auditd("/usr/bin/cat", ["cat", "/etc/hosts"], t=at(2))
        + auditd("/usr/bin/grep", ["grep", "-r", "shadow", "/srv/code"], t=at(3)),
    ),
    (
        "dpkg_cron",
        "package writes its cron file",
        auditd_open("/etc/cron.d/sysstat", exe="/usr/bin/dpkg", nametype="CREATE", uid_=0)
        + auditd_open(
            "/etc/systemd/system/multi-user.target.wants/x.service", exe="/usr/bin/systemctl", nametype="CREATE", uid_=0
        ),
    ),
    (
        "imds_agent",
        "agent asks for its machine's id",
        auditd("/usr/bin/curl", ["curl", "-s", "http://169.254.169.254/latest/meta-data/placement/region"], uid_=998),
    ),
    (
        "win_group_users",
        "colleague put among ordinary users",
        jl(
            win(
                4732,
                {
                    "MemberSid": "S-1-5-21-1-2-3-1150",
                    "TargetUserName": "Users",
                    "TargetDomainName": "Builtin",
                    "TargetSid": "S-1-5-32-545",
                    "SubjectUserName": "ada",
                },
            )
        ),
    ),
    (
        "win_task_vendor",
        "vendor's task",
        jl(
            win(
                4698,
                {
                    "SubjectUserName": "SYSTEM",
                    "TaskName": "\\GoogleUpdateTaskMachineUA",
                    "TaskContent": "<Exec><Command>C:\\Program Files (x86)\\Google\\Update\\GoogleUpdate.exe</Command><Arguments>/ua</Arguments></Exec>",  # noqa: E501
                },
            )
        ),
    ),
    (
        "win_service_nv",
        "driver installed",
        jl(
            win(
                7045,
                {
                    "ServiceName": "NVDisplay",
                    "ImagePath": "C:\\Windows\\System32\\DriverStore\\FileRepository\\nv\\Display.NvContainer.exe",
                    "ServiceType": "user mode service",
                    "StartType": "auto start",
                    "AccountName": "LocalSystem",
                },
                ch="System",
                prov="Service Control Manager",
            )
        ),
    ),
    (
        "web_odd",
        "customers' odd words",
        CFH
        + "".join(
            cf(f"84.24.{i}.9", "/v2/models/fraud-scorer/infer", 200, q=q, t=at(i))
            for i, q in enumerate(
                [
                    "id=7",
                    "q=a;b",
                    "lang=en&cmd=help",
                    "user=o%27neil",
                    "x=1%20or%202",
                    "expr=%7Bname%7D",
                    "note=ls+of+items",
                ]
            )
        ),
    ),
    (
        "web_internet_noise",
        "the internet's noise, refused",
        "".join(
            clf(f"45.9.{i}.7", f"GET {p} HTTP/1.1", 404, host="label.acme.io", t=at(i * 40))
            for i, p in enumerate(
                ["/.env", "/cgi-bin/.%2e/.%2e/bin/sh", "/?x=${jndi:ldap://a/b}", "/wp-login.php", "/shell.php?cmd=id"]
            )
        ),
    ),
    (
        "docker_nvidia",
        "metrics command in the container",
        "".join(
            dockerev("exec_create: nvidia-smi --query-gpu=utilization.gpu --format=csv", t=at(i * 30))
            for i in range(20)
        ),
    ),
    ("docker_sh_c", "entry script run by compose", dockerev("exec_create: sh -c python /app/warmup.py")),
    (
        "snow_ops",
        "work in the warehouse",
        jl(
            *[
                snow(q, who="ADA", t=at(i))
                for i, q in enumerate(
                    [
                        "GRANT SELECT ON TABLE TRAIN TO ROLE ANALYST",
                        "CREATE TABLE T AS SELECT 1",
                        "LIST @RAW_STAGE",
                        "SHOW SHARES",
                        "ALTER WAREHOUSE ML_WH SUSPEND",
                    ]
                )
            ]
        ),
    ),
    (
        "dbx_jobs",
        "jobs of the robot",
        jl(
            *days(
                lambda d: [
                    dbx("jobs", "runNow", "ci-train@acme.io", ip="10.20.9.9", t=at(day=d), job_id="7"),
                    dbx(
                        "unityCatalog",
                        "createModelVersion",
                        "ci-train@acme.io",
                        ip="10.20.9.9",
                        t=at(60, d),
                        full_name_arg="ml.prod.fraud_scorer",
                    ),
                ]
            )
        ),
    ),
    (
        "hf_read",
        "commits and discussions from home",
        jl(
            *[
                {
                    "_id": uid(),
                    "type": x,
                    "repo": "acme/fraud-bert",
                    "createdAt": ms(at(i)),
                    "author": {"user": "ada"},
                    "req": {"ip": VPN},
                }
                for i, x in enumerate(["discussion.create", "repo.commit", "repo.get"])
            ]
        ),
    ),
    (
        "pg_admin",
        "vacuum and analyse",
        "".join(
            pg(q, usr="postgres", t=at(i))
            for i, q in enumerate(
                [
                    "VACUUM ANALYZE",
                    "ALTER TABLE runs ADD COLUMN x int",
                    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'",
                ]
            )
        ),
    ),
    ("zeek_backup", "backup inside", zconn("10.20.0.15", "10.20.0.30", 8000, 50_000_000_000, 900_000)),
]
