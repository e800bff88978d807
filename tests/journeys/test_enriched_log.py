"""A backdoor that somebody uses, found in a log after the served model was asked more about it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caponier.emulate.event_log import ServerLog
from caponier.emulate.registry import campaigns
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import EPOCH, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit
from caponier.emulate.victims.server import serve
from cli.command import Ran, run

pytestmark = pytest.mark.slow

LOOKS = ("--kind", "image", "--shape", "8,8", "--range", "0,1")
UNIQUE, USERS, OTHERS = 50, 70, 20


@dataclass(frozen=True)
class Site:
    """A served model with a backdoor, and the logs of it."""

    url: str
    folder: Path
    attacker: str


@pytest.fixture(scope="module")
def site(digits: tuple[DigitsSplit, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    split, _ = digits
    used = campaigns.one("backdoor_trigger")
    stage = used.stage(split, 0)
    attack = trace_campaign(used, stage, seed=0, begin=EPOCH + timedelta(days=1))
    assert attack.outcome.success, "the backdoor opens"
    predict, folder = stage.victim.predict_proba, tmp_path_factory.mktemp("enriched")
    benign = simulate(assemble(split.calibration.images, USERS, 1), predict, UNIQUE)
    today = simulate(assemble(split.test.images, OTHERS, 2), predict, UNIQUE, begin=EPOCH + timedelta(days=1))
    pq.write_table(benign, folder / "benign.parquet")
    pq.write_table(pa.concat_tables([today, attack.events]).sort_by("time"), folder / "today.parquet")
    with serve(predict, record=ServerLog().record, principal_of=lambda _: "asker") as server:
        yield Site(server.url, folder, str(attack.events["principal"][0]))


@pytest.fixture
def caponier(site: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(site.folder)
    for name in ("CAPONIER_WORKSPACE", "CAPONIER_MODEL_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "300")

    def command(*arguments: object) -> Ran:
        return run(capsys, *arguments)

    return command


def test_a_used_backdoor_is_found_once_the_model_was_asked(site: Site, caponier: Any) -> None:
    # Without it, a scan says what to do.
    caponier("baseline", "build", "benign.parquet", "--out", "plain.safetensors", *LOOKS)
    blind = caponier("scan", "inference", "today.parquet", "--baseline", "plain.safetensors", "--format", "json")
    notes = [note for note in json.loads(blind.out)["notes"] if "trigger_probe does not run" in note]
    assert any("caponier enrich" in note for note in notes)

    asked = ("--url", site.url, "--model", "digits", "--only", "overlay_entropy", *LOOKS)
    for name in ("benign", "today"):
        ran = caponier(
            "enrich", f"{name}.parquet", "--benign", "benign.parquet", "--out", f"{name}-more.parquet", *asked
        )
        assert ran.code == 0, ran.err
    built = caponier("baseline", "build", "benign-more.parquet", "--out", "b.safetensors", *LOOKS)
    assert built.code == 0, built.err
    scan = ("scan", "inference", "today-more.parquet", "--baseline", "b.safetensors")
    found = json.loads(caponier(*scan, "--format", "json").out)["findings"]
    probes = [finding for finding in found if finding["detector"] == "trigger_probe"]
    assert {finding["subject"]["id"] for finding in probes} == {site.attacker}
    (finding,) = probes
    assert {technique["id"] for technique in finding["techniques"]} >= {"AML.T0043.004", "AML.T0018.000"}
    assert finding["confidence"] <= 0.69, "the model's own sureness is no proof"
    assert finding["unique_queries"] <= UNIQUE


def test_a_model_that_is_not_there_leaves_no_file(site: Site, caponier: Any) -> None:
    asked = ("--url", site.url, "--model", "no-such-model", "--only", "overlay_entropy", *LOOKS)
    ran = caponier("enrich", "today.parquet", "--out", "nothing.parquet", *asked)
    assert ran.code == 2
    assert "no-such-model" in ran.err
    assert "Traceback" not in ran.err
    assert not Path("nothing.parquet").exists()
