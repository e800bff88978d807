"""Hosts and servers of the estate: auditd, nginx, Jupyter and MLflow, with the scanners that everybody has."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from bench.machinery.estate.people import GPU, HOSTS, Person, at, of, public, where, works

Line = tuple[datetime, str]


def _audit(kind: str, moment: datetime, serial: int, host: str, text: str) -> Line:
    return moment, f"node={host} type={kind} msg=audit({moment.timestamp():.3f}:{serial}): {text}"


def login(moment: datetime, serial: int, host: str, who: str, address: str, result: str = "success") -> Line:
    """Return a login as sshd tells it to auditd."""
    text = (
        f'pid={serial % 30000} uid=0 auid=4294967295 ses=4294967295 msg=\'op=login acct="{who}" exe="/usr/sbin/sshd" '
        f"hostname={address} addr={address} terminal=ssh res={result}'"
    )
    return _audit("USER_LOGIN", moment, serial, host, text)


def command(moment: datetime, serial: int, host: str, who: str, *words: str) -> list[Line]:
    """Return a command as auditd tells it."""
    arguments = " ".join(f'a{place}="{word}"' for place, word in enumerate(words))
    path = words[0] if words[0].startswith("/") else f"/usr/bin/{words[0]}"
    call = (
        f"arch=c000003e syscall=59 success=yes exit=0 items=2 ppid=900 pid={serial % 30000} auid=1001 uid=1001 "
        f'ses=3 comm="{words[0]}" exe="{path}" key="exec"\x1dARCH=x86_64 SYSCALL=execve AUID="{who}" UID="{who}"'
    )
    return [
        _audit("SYSCALL", moment, serial, host, call),
        _audit("EXECVE", moment, serial, host, f"argc={len(words)} {arguments}"),
        _audit("EOE", moment, serial, host, ""),
    ]


def auditd_day(day: int, everybody: list[Person], rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the records of a day, those of one event together."""
    serial = day * 1_000_000
    for _ in range(round(900 * size)):
        serial += 1
        who, words = rng.choice(("root", "www-data", "app")), rng.choice((("ls", "-l"), ("cat", "/etc/hosts"), ("df",)))
        yield from command(at(day, rng, 0, 24), serial, rng.choice(HOSTS), who, *words)
    for _ in range(round(600 * size)):
        serial += 1
        yield login(
            at(day, rng, 0, 24), serial, rng.choice(GPU), rng.choice(("root", "admin", "ubuntu")), public(rng), "failed"
        )
    if works(day):
        for one in of(everybody, "ml"):
            for _ in range(rng.randrange(1, 5)):
                serial += 1
                address = where(one, day, rng) if one.remote or one.on_journey(day) else one.desk
                yield login(at(day, rng, 8, 18), serial, rng.choice(GPU), one.name, address)
            moment, host = at(day, rng, 8, 15), rng.choice(GPU)
            for text in _work(one, rng):
                serial, moment = serial + 1, moment + timedelta(minutes=rng.uniform(1, 25))
                yield from command(moment, serial, host, one.name, *text)
    if day % 7 == 1:
        serial += 1
        yield from command(at(day, rng, 19, 21), serial, rng.choice(GPU), "root", "/usr/sbin/reboot")


def _work(one: Person, rng: random.Random) -> Iterator[tuple[str, ...]]:
    for _ in range(rng.randrange(12)):
        yield rng.choice(
            (("nvidia-smi",), ("python3", "train.py"), ("git", "pull"), ("systemctl", "restart", "tritonserver"))
        )
    if rng.random() < 0.1:
        yield ("curl", "-LO", f"https://huggingface.co/org/m{rng.randrange(9)}/resolve/main/pytorch_model.bin")
        yield ("python3", "-c", "import torch; torch.load('pytorch_model.bin')")
    if rng.random() < 0.03:
        yield ("docker", "stop", f"triton-dev-{one.name}")


def _line(moment: datetime, address: str, request: str, status: int, agent: str = "python-requests/2.31") -> Line:
    return moment, f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "{request} HTTP/1.1" {status} 512 "-" "{agent}"'


def nginx(moment: datetime, address: str, method: str, path: str, status: int, agent: str = "curl/8") -> Line:
    """Return one line of an access log with its virtual host first."""
    _, text = _line(moment, address, f"{method} {path}", status, agent)
    return moment, f"models.example.org:443 {text}"


PROBES = (
    "/model-versions/get-artifact?path=../../../etc/passwd", "/get-artifact?path=..%2f..%2fetc%2fpasswd",
    "/models?url=http://203.0.113.250/x.mar", "/api/kernels", "/api/terminals", "/api/jobs/", "/.env", "/wp-login.php",
    "/v2/repository/models/x/load",
)  # fmt: skip


def nginx_day(day: int, rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the requests of a day."""
    callers = [public(random.Random(number)) for number in range(150)]
    for _ in range(round(4200 * size)):
        path = f"/v2/models/vision/{rng.choice(('infer', 'infer', 'infer', 'ready'))}"
        yield nginx(at(day, rng, 0, 24), rng.choice(callers), "POST", path, 200, "client/1")
    for _ in range(round(60 * size) or 1):
        yield nginx(
            at(day, rng, 0, 24),
            public(rng),
            rng.choice(("GET", "POST")),
            rng.choice(PROBES),
            rng.choice((403, 404, 404, 405)),
        )
    if works(day):
        for _ in range(rng.randrange(2, 6)):
            moment = at(day, rng, 8, 18)
            yield nginx(moment, "10.0.9.4", "POST", "/v2/repository/models/vision/unload", 200, "deploy/3")
            yield nginx(
                moment + timedelta(seconds=9), "10.0.9.4", "POST", "/v2/repository/models/vision/load", 200, "deploy/3"
            )


def jupyter(moment: datetime, who: str, address: str, method: str, path: str, status: int = 200) -> Line:
    """Return one line of a notebook server."""
    level = "I" if status < 400 else "W"
    return (
        moment,
        f"[{level} {moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03} ServerApp] {status} {method} {path} "
        f"({who}@{address}) 2.10ms",
    )


def jupyter_day(day: int, everybody: list[Person], rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the requests of a day."""
    for _ in range(round(20 * size) or 1):
        moment = at(day, rng, 0, 24)
        text = f"{moment:%Y-%m-%d %H:%M:%S}.{moment.microsecond // 1000:03}"
        yield moment, f"[W {text} ServerApp] 403 POST /api/kernels ({public(rng)}) 0.71ms"
    if not works(day):
        return
    for one in of(everybody, "ml"):
        address = where(one, day, rng) if one.remote or one.on_journey(day) else one.desk
        for _ in range(rng.randrange(1, 4)):
            yield jupyter(at(day, rng, 8, 18), one.name, address, "POST", f"/api/kernels?{rng.randrange(10**6)}", 201)
        for _ in range(round(rng.randrange(45) * size)):
            yield jupyter(at(day, rng, 8, 19), one.name, address, "GET", f"/api/contents?{rng.randrange(10**6)}")


def mlflow(moment: datetime, address: str, method: str, path: str, status: int = 200) -> Line:
    """Return one line of MLflow's server."""
    return _line(moment, address, f"{method} {path}", status)


def mlflow_day(day: int, everybody: list[Person], rng: random.Random, size: float) -> Iterator[Line]:
    """Yield the requests of a day."""
    engineers = of(everybody, "ml")
    for _ in range(round(500 * size)):
        path = f"/api/2.0/mlflow/{rng.choice(('runs/log-metric', 'runs/get', 'experiments/search'))}"
        yield mlflow(at(day, rng, 0, 24), f"10.0.5.{rng.randrange(30)}", "POST", path)
    if works(day):
        for one in engineers:
            yield mlflow(at(day, rng, 8, 18), one.desk, "GET", f"/get-artifact?path=model/{rng.randrange(99)}/weights")
        if rng.random() < 0.1:
            yield mlflow(at(day, rng, 9, 17), engineers[0].desk, "POST", "/api/2.0/mlflow/users/create")
