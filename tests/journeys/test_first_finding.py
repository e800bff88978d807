"""The commands of docs/tutorial/first-finding.md, from AWS's own compressed files to the first true finding."""

import gzip
import json
import re
from pathlib import Path

from cli.command import run_in

PAGE = Path(__file__).parents[2] / "docs" / "tutorial" / "first-finding.md"
EVERYBODY = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}]}


def record(name: str, address: str, parameters: dict[str, object]) -> dict[str, object]:
    return {
        "eventVersion": "1.11", "eventTime": "2026-03-02T09:00:00Z", "eventSource": "s3.amazonaws.com",
        "eventName": name, "awsRegion": "eu-central-1", "sourceIPAddress": address, "requestParameters": parameters,
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ada", "userName": "ada"},
    }  # fmt: skip


def test_the_page_leads_to_the_first_true_finding(tmp_path: Path) -> None:
    commands = re.findall(r"^\$ (.+)$", PAGE.read_text(), re.MULTILINE)
    assert len(commands) == 4
    table = re.search(r"<<'END'\n(.+?)^END$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert table
    folder = tmp_path / "AWSLogs" / "111122223333" / "CloudTrail" / "eu-central-1" / "2026" / "03" / "02"
    folder.mkdir(parents=True)
    records = [
        record("GetObject", "198.51.100.10", {"bucketName": "ml-models", "key": "m.safetensors"}),
        record("PutBucketPolicy", "203.0.113.66", {"bucketName": "ml-models", "bucketPolicy": EVERYBODY}),
    ]
    (folder / "111122223333_CloudTrail_eu-central-1_20260302T0905Z_x.json.gz").write_bytes(
        gzip.compress(json.dumps({"Records": records}).encode())
    )
    assert run_in(tmp_path, "init", "watch", environment={}).code == 0
    home = tmp_path / "watch"
    with (home / "caponier.toml").open("a") as file:
        file.write("\n" + table[1])
    ran = run_in(home, "scan", "logs", "../AWSLogs", "--format", "json", environment={})
    assert ran.code == 1, ran.err
    found = {one["detector"] for one in json.loads(ran.out)["findings"]}
    assert "sigma:store_made_public" in found
