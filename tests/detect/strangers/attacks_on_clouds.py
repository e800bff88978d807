"""Attacks over the interfaces of clouds, clusters and repositories: name, technique, what is right, the log."""

import json

from detect.strangers.lines import (
    ACC,
    FOREIGN,
    OUT2,
    at,
    azact,
    ct,
    entra_audit,
    gcp,
    gh,
    gitlab,
    jl,
    k8s,
    okta,
    role,
    s3,
    trail,
    user,
)

ATTACKS = [
    (
        "s3_ap_policy",
        "T1537",
        "access point policy for foreign account",
        trail(
            ct(
                "PutAccessPointPolicy",
                "s3",
                user("bob"),
                {
                    "name": "fraud-ap",
                    "accountId": ACC,
                    "bucketName": "acme-ml-models",
                    "policy": json.dumps(
                        {
                            "Statement": [
                                {"Effect": "Allow", "Principal": {"AWS": FOREIGN}, "Action": "*", "Resource": "*"}
                            ]
                        }
                    ),
                },
            )
        ),
    ),
    (
        "s3_objectlock_gone",
        "T1490",
        "retention of the models shortened",
        trail(
            ct(
                "PutObjectLockConfiguration",
                "s3",
                user("bob"),
                {"bucketName": "acme-ml-models", "ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
            )
        ),
    ),
    (
        "s3_presigned",
        "T1530",
        "thirty training files read with a query-string signature by a stranger",
        trail(
            *[
                s3(
                    "GetObject",
                    "acme-training-data",
                    f"2026/part-{i:04}.parquet",
                    user("svc-train"),
                    ip=OUT2,
                    t=at(i * 6),
                    additionalEventData={"AuthenticationMethod": "QueryString"},
                )
                for i in range(30)
            ]
        ),
    ),
    (
        "inline_policy",
        "T1098.003",
        "inline policy lets the trainer do everything",
        trail(
            ct(
                "PutRolePolicy",
                "iam",
                user("bob"),
                {
                    "roleName": "sagemaker-exec-role",
                    "policyName": "x",
                    "policyDocument": '{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
                },
                ip=OUT2,
            )
        ),
    ),
    (
        "passrole_notebook",
        "T1098/T1648",
        "new notebook runs with the trainer's role",
        trail(
            ct(
                "CreateNotebookInstance",
                "sagemaker",
                user("bob"),
                {
                    "notebookInstanceName": "nb-x",
                    "roleArn": f"arn:aws:iam::{ACC}:role/sagemaker-exec-role",
                    "directInternetAccess": "Enabled",
                },
                ip=OUT2,
            )
        ),
    ),
    (
        "sm_pipeline",
        "T1525",
        "pipeline of the model replaced",
        trail(
            ct(
                "UpdatePipeline",
                "sagemaker",
                user("bob"),
                {"pipelineName": "fraud-scorer", "pipelineDefinition": "{}"},
                ip=OUT2,
            )
        ),
    ),
    (
        "ec2_terminate",
        "T1485/T1489",
        "GPU host terminated",
        trail(
            ct(
                "TerminateInstances",
                "ec2",
                user("bob"),
                {"instancesSet": {"items": [{"instanceId": "i-0f4a0d01"}]}},
                ip=OUT2,
            )
        ),
    ),
    (
        "ssm_session",
        "T1021.007",
        "shell on the GPU host through the cloud",
        trail(ct("StartSession", "ssm", user("bob"), {"target": "i-0f4a0d01"}, ip=OUT2)),
    ),
    (
        "kms_grant",
        "T1098",
        "stranger may decrypt with the key of the models",
        trail(
            ct(
                "CreateGrant",
                "kms",
                user("bob"),
                {
                    "keyId": "1a2b3c4d-1111-2222-3333-444455556666",
                    "granteePrincipal": f"arn:aws:iam::{FOREIGN}:root",
                    "operations": ["Decrypt"],
                },
                ip=OUT2,
            )
        ),
    ),
    (
        "kms_policy",
        "T1098/T1486",
        "policy of the key replaced",
        trail(
            ct(
                "PutKeyPolicy",
                "kms",
                user("bob"),
                {"keyId": "1a2b3c4d-1111-2222-3333-444455556666", "policyName": "default", "policy": "{}"},
                ip=OUT2,
            )
        ),
    ),
    (
        "ecr_replication",
        "T1537",
        "images replicated to a foreign account",
        trail(
            ct(
                "PutReplicationConfiguration",
                "ecr",
                user("bob"),
                {
                    "replicationConfiguration": {
                        "rules": [
                            {
                                "destinations": [{"region": "us-east-1", "registryId": FOREIGN}],
                                "repositoryFilters": [{"filter": "fraud/serve", "filterType": "PREFIX_MATCH"}],
                            }
                        ]
                    }
                },
                ip=OUT2,
            )
        ),
    ),
    (
        "ecr_scan_off",
        "T1562",
        "scanning of images switched off",
        trail(
            ct(
                "PutImageScanningConfiguration",
                "ecr",
                user("bob"),
                {"repositoryName": "fraud/serve", "imageScanningConfiguration": {"scanOnPush": False}},
                ip=OUT2,
            )
        ),
    ),
    (
        "lambda_env",
        "T1525",
        "configuration of the function changed",
        trail(
            ct(
                "UpdateFunctionConfiguration20150331v2",
                "lambda",
                user("bob"),
                {"functionName": "fraud-preproc", "layers": [f"arn:aws:lambda:eu-west-1:{FOREIGN}:layer:x:1"]},
                ip=OUT2,
            )
        ),
    ),
    (
        "rds_snapshot_shared",
        "T1537",
        "database snapshot shared",
        trail(
            ct(
                "ModifyDBSnapshotAttribute",
                "rds",
                user("bob"),
                {"dBSnapshotIdentifier": "mlflow-db", "attributeName": "restore", "valuesToAdd": [FOREIGN]},
                ip=OUT2,
            )
        ),
    ),
    (
        "rds_deleted",
        "T1485",
        "database of the tracking server deleted without a snapshot",
        trail(
            ct(
                "DeleteDBInstance",
                "rds",
                user("bob"),
                {"dBInstanceIdentifier": "mlflow-db", "skipFinalSnapshot": True},
                ip=OUT2,
            )
        ),
    ),
    (
        "eks_public",
        "T1133",
        "interface of the cluster opened",
        trail(
            ct(
                "UpdateClusterConfig",
                "eks",
                user("bob"),
                {
                    "name": "ml-prod",
                    "resourcesVpcConfig": {"endpointPublicAccess": True, "publicAccessCidrs": ["0.0.0.0/0"]},
                },
                ip=OUT2,
            )
        ),
    ),
    (
        "stolen_role_home",
        "T1078.004",
        "trainer's role used from outside to list and read",
        trail(
            ct("ListBuckets", "s3", role("sagemaker-exec-role", "SageMaker"), None, ip=OUT2, ro=True),
            ct("GetCallerIdentity", "sts", role("sagemaker-exec-role", "SageMaker"), None, ip=OUT2, ro=True, t=at(3)),
            s3(
                "GetObject",
                "acme-ml-models",
                "fraud/v7/model.pt",
                role("sagemaker-exec-role", "SageMaker"),
                ip=OUT2,
                t=at(9),
            ),
        ),
    ),
    (
        "vertex_delete",
        "T1485",
        "model deleted",
        jl(
            gcp(
                "google.cloud.aiplatform.v1.ModelService.DeleteModel",
                "aiplatform.googleapis.com",
                "projects/acme-ml/locations/europe-west1/models/fraud-scorer",
                "bob@acme.io",
                ip=OUT2,
            )
        ),
    ),
    (
        "gcs_retention",
        "T1490",
        "bucket deleted",
        jl(
            gcp(
                "storage.buckets.delete",
                "storage.googleapis.com",
                "projects/_/buckets/acme-vertex-models",
                "bob@acme.io",
                ip=OUT2,
                rtype="gcs_bucket",
                labels={"bucket_name": "acme-vertex-models"},
            )
        ),
    ),
    (
        "gcp_hmac",
        "T1098.001",
        "storage key made for svc-train",
        jl(
            gcp(
                "storage.hmacKeys.create",
                "storage.googleapis.com",
                "projects/acme-ml",
                "bob@acme.io",
                ip=OUT2,
                labels={"email_id": "svc-train@acme-ml.iam.gserviceaccount.com"},
            )
        ),
    ),
    (
        "gcp_sa_token",
        "T1528",
        "token of svc-train made by a stranger",
        jl(
            gcp(
                "GenerateAccessToken",
                "iamcredentials.googleapis.com",
                "projects/-/serviceAccounts/svc-train@acme-ml.iam.gserviceaccount.com",
                "x992@gmail.com",
                ip=OUT2,
                rtype="service_account",
                labels={"email_id": "svc-train@acme-ml.iam.gserviceaccount.com"},
                log="data_access",
            )
        ),
    ),
    (
        "ar_delete",
        "T1485",
        "repository of images deleted",
        jl(
            gcp(
                "google.devtools.artifactregistry.v1.ArtifactRegistry.DeleteRepository",
                "artifactregistry.googleapis.com",
                "projects/acme-ml/locations/europe-west1/repositories/serving",
                "bob@acme.io",
                ip=OUT2,
            )
        ),
    ),
    (
        "az_fw_open",
        "T1562.007",
        "network rules of the store opened",
        jl(
            azact(
                "Microsoft.Storage/storageAccounts/networkRuleSets/write",
                "Microsoft.Storage/storageAccounts/acmemlstore",
                "bob@acme.io",
                ip=OUT2,
            )
        ),
    ),
    (
        "azml_deploy",
        "T1525",
        "deployment replaced",
        jl(
            azact(
                "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/write",
                "Microsoft.MachineLearningServices/workspaces/ml-ws/onlineEndpoints/fraud-scorer/deployments/blue",
                "bob@acme.io",
                ip=OUT2,
            )
        ),
    ),
    (
        "az_sas_account",
        "T1552",
        "signature for the whole store made",
        jl(
            azact(
                "Microsoft.Storage/storageAccounts/listAccountSas/action",
                "Microsoft.Storage/storageAccounts/acmemlstore",
                "bob@acme.io",
                ip=OUT2,
            )
        ),
    ),
    (
        "az_ws_delete",
        "T1485",
        "workspace deleted",
        jl(
            azact(
                "Microsoft.MachineLearningServices/workspaces/delete",
                "Microsoft.MachineLearningServices/workspaces/ml-ws",
                "bob@acme.io",
                ip=OUT2,
            )
        ),
    ),
    (
        "entra_owner",
        "T1098",
        "owner added to the deployer's application",
        jl(entra_audit("Add owner to application", "bob@acme.io", "ml-deployer", "Application", ip=OUT2)),
    ),
    (
        "k8s_netpol",
        "T1562.007",
        "network policy deleted",
        jl(k8s("delete", "networkpolicies", "default-deny", group="networking.k8s.io", ip=OUT2)),
    ),
    (
        "k8s_configmap",
        "AML.T0018",
        "configuration of the model swapped",
        jl(k8s("patch", "configmaps", "fraud-model-config", ip=OUT2, obj={"data": {"MODEL_URI": "s3://x-loot/m"}})),
    ),
    (
        "k8s_portforward",
        "T1572",
        "port forwarded out of a pod",
        jl(k8s("create", "pods", "fraud-scorer-77-x", sub="portforward", ip=OUT2, code=101)),
    ),
    (
        "k8s_webhook",
        "T1546",
        "webhook that sees every secret",
        jl(
            k8s("create", "secrets", "x", ip=OUT2),
            k8s(
                "create",
                "mutatingwebhookconfigurations",
                "inj",
                ns=None,
                group="admissionregistration.k8s.io",
                ip=OUT2,
                uri="/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
            ),
        ),
    ),
    (
        "gh_hook",
        "T1020/T1567",
        "hook sends every push away",
        jl(gh("hook.create", ip=OUT2, config={"url": "http://91.92.240.11/h"}, events=["push"])),
    ),
    ("gh_ruleset", "T1562", "rule set removed", jl(gh("repository_ruleset.destroy", ip=OUT2, ruleset_name="main"))),
    ("gh_zip", "T1213.003", "repository downloaded as an archive from elsewhere", jl(gh("repo.download_zip", ip=OUT2))),
    (
        "gl_member",
        "T1098",
        "stranger made maintainer",
        jl(gitlab("user_add_to_project", ip=OUT2, add="user_access", **{"as": "Maintainer"})),
    ),
    (
        "gl_export",
        "T1213.003",
        "project exported",
        jl(gitlab("project_export_created", ip=OUT2, custom_message="Export file download started")),
    ),
    (
        "okta_app",
        "T1098",
        "ada given to an application with new rights",
        jl(
            okta(
                "user.account.reset_password",
                "mallory@acme.io",
                ip=OUT2,
                target=[{"id": "00u1", "type": "User", "alternateId": "ada@acme.io", "displayName": "Ada"}],
            )
        ),
    ),
]
