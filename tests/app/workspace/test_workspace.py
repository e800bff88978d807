import os
import sqlite3
import stat
import threading
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import pytest

from caponier.app.inference.read_options import caller_headers
from caponier.app.workspace import workspace as module
from caponier.app.workspace.workspace import create_workspace, load_workspace, read_salt, require_workspace
from caponier.errors import InputError
from caponier.records.alert_budget import AlertBudget
from caponier.records.inventory import Criticality, FeatureSpec, Workspace
from caponier.store import audit
from caponier.store.database import open_store
from pace import HANG

FULL = """
[workspace]
name = "bank"
store = "sqlite:///data/s.db"
lake = "s3://bucket/lake"
[matrix]
pinned = "amltm-2020"
[detect]
alert_budget = "1 per day"
alpha = 0.02
disabled = ["novelty"]
[detect.iterative_query]
radius = 3
[privacy]
salt_file = "secret/salt"
keep_inputs = "digest"
[[system]]
name = "cards"
purpose = "fraud"
criticality = "critical"
owner = "Ada"
contact = "ada@example.org"
models = ["fraud"]
endpoints = ["/v1/fraud"]
hosts = ["h"]
accounts = ["a"]
buckets = ["b"]
registries = ["r"]
images = ["i"]
datasets = ["d"]
[[model]]
name = "fraud"
system = "cards"
baseline = "fraud.safetensors"
[model.features]
kind = "image"
shape = [8, 8]
minimum = 0
maximum = 1.0
[[model]]
name = "other"
features = { kind = "numeric" }
[[identity]]
key_hash = "k-1"
account = "alice"
addresses = ["10.0.0.1"]
[guard]
mode = "observe"
[respond]
playbooks = ["p.yaml"]
[[route]]
name = "soc"
kind = "syslog"
to = "syslog://127.0.0.1:514"
[[maintenance]]
begins = 2026-12-01T22:00:00Z
ends = 2026-12-02T04:00:00Z
reason = "move"
"""


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.delenv("CAPONIER_STORE", raising=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "caponier.toml"
    path.write_text("")
    return path


def loaded(path: Path) -> Workspace:
    found = load_workspace(path)
    assert found is not None
    return found


def complaint(file: Path, text: str) -> str:
    file.write_text(text)
    with pytest.raises(InputError) as refused:
        load_workspace(file)
    assert refused.value.exit_code == 2
    assert str(refused.value).startswith(str(file))
    return str(refused.value).removeprefix(str(file) + ": ")


def test_every_key_of_the_file_is_understood(file: Path) -> None:
    file.write_text(FULL)
    bank = loaded(file)
    root = file.parent
    assert (bank.file, bank.root, bank.name, bank.pinned) == (file, root, "bank", "amltm-2020")
    assert bank.store == f"sqlite:///{root}/data/s.db"
    assert bank.lake == "s3://bucket/lake"
    assert bank.detect.alert_budget == AlertBudget(per_week=7.0)
    assert (bank.detect.alpha, bank.detect.disabled) == (0.02, ("novelty",))
    assert bank.detect.detectors == {"iterative_query": {"radius": 3}}
    assert bank.privacy.salt_file == root / "secret" / "salt"
    assert (bank.privacy.keep_inputs, bank.privacy.retention_days) == ("digest", None)
    assert bank.systems[0].criticality is Criticality.CRITICAL
    assert bank.models[0].features == FeatureSpec(kind="image", shape=(8, 8), minimum=0, maximum=1)
    assert bank.models[0].baseline == root / "fraud.safetensors"
    assert bank.models[1].baseline is None
    assert bank.identities[0].addresses == ("10.0.0.1",)
    assert (bank.guard, bank.respond) == ({"mode": "observe"}, {"playbooks": ["p.yaml"]})
    assert (bank.routes[0]["name"], bank.maintenance[0]["reason"]) == ("soc", "move")


def test_the_headers_of_a_log_that_count_are_named(file: Path) -> None:
    file.write_text('[logs]\ncredentials = ["X-Forwarded-User"]\ntrusted_proxies = ["10.0.0.0/8", "192.0.2.1"]\n')
    callers = caller_headers(require_workspace(file))
    assert callers.credentials == ("x-forwarded-user",)
    assert callers.proxies == (ip_network("10.0.0.0/8"), ip_network("192.0.2.1/32"))


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "*", "proxy"])
def test_proxies_that_are_everybody_are_refused(file: Path, network: str) -> None:
    file.write_text(f'[logs]\ntrusted_proxies = ["{network}"]\n')
    with pytest.raises(InputError, match="trusted_proxies"):
        load_workspace(file)


def test_an_empty_file_is_a_workspace(file: Path) -> None:
    empty = loaded(file)
    root = file.parent
    assert empty.name == root.name
    assert empty.store == f"sqlite:///{root}/.caponier/store.db"
    assert empty.lake == str(root / "lake")
    assert empty.privacy.salt_file == root / ".caponier" / "salt"
    assert empty.detect.alert_budget == AlertBudget(per_week=2.0)


@pytest.mark.parametrize("url", ["postgresql://u:p@h/db", "sqlite:////absolute/s.db"])
def test_complete_urls_are_kept(file: Path, url: str) -> None:
    file.write_text(f'[workspace]\nstore = "{url}"\nlake = "/absolute/lake"')
    assert (loaded(file).store, loaded(file).lake) == (url, "/absolute/lake")


def test_the_home_folder_is_expanded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    file.write_text('[workspace]\nlake = "~/lake"')
    assert loaded(file).lake == "/home/ada/lake"


def test_the_store_may_come_from_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAPONIER_STORE", "postgresql://u:hidden@h/db")
    assert loaded(file).store == "postgresql://u:hidden@h/db"
    assert "hidden" not in repr(loaded(file))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[detect]\nalfa = 3", "detect.alfa: unknown key\nDid you mean 'alpha'?"),
        ("[worspace]\nname = 'a'", "worspace: unknown key\nDid you mean 'workspace'?"),
        ("[[system]]\nname = 'a'\nownr = 'b'", "system[a].ownr: unknown key\nDid you mean 'owner'?"),
        ("[[system]]\nname = 'a'\n[[system]]\nhots = []", "system[#2].hots: unknown key (and 1 more)"),
        ("[[model]]\nname = 'm'\nfeatures = { kind = 'text', shap = [1] }", "model[m].features.shap: unknown key"),
        ("store = 'x'", "store: unknown key\nIt belongs into the table 'workspace'."),
        ("[detect]\nqqqq = 3", "detect.qqqq: unknown key\nKnown here: alert_budget, alpha, horizon, disabled."),
        ("[detect.detectors.x]\na = 1", "detect.detectors: unknown key\nA detector's settings are a table"),
        ("[privacy]\nsalt = 'x'", "privacy.salt: unknown key\nDid you mean 'salt_file'?"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(file: Path, text: str, expected: str) -> None:
    said = complaint(file, text)
    assert said.startswith(expected.split("\n")[0])
    assert expected.split("\n")[-1] in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[detect]\nhorizon = '3'", "detect.horizon: expected a whole number, got text"),
        ("[detect]\nhorizon = 0", "detect.horizon: expected a number of at least 1, got 0"),
        ("[workspace]\nlake = 3", "workspace.lake: expected text in quotes, got a whole number"),
        ("detect = 3", "detect: expected a table, got a whole number"),
        ("guard = true", "guard: expected a table, got true or false"),
        ("[system]\nname = 'a'", "system: expected a list, got a table\nWrite [[system]], with two brackets"),
        ("[[system]]\nname = 'a'\nmodels = 'b'", "system[a].models: expected a list, got text"),
        ("[[system]]\nname = 'a'\ncriticality = 'huge'", "system[a].criticality: expected 'low', 'medium', 'high' or"),
        ("[[system]]\nowner = 'a'", "system[#1].name: this key is missing"),
        ("[[model]]\nname = 'a'\nbaseline = 3", "model[a].baseline: expected a path in quotes, got a whole number"),
        ("[[model]]\nname = 'a'\nsystem = 'b'", "model 'a' belongs to the system 'b', which is not listed"),
        ("[[model]]\nname = 'a'\n[[model]]\nname = 'a'", "2 entries [[model]] have the name 'a'"),
        ("[detect]\nalert_budget = 'few'", "detect.alert_budget: 'few' is not an alert budget. Write a rate"),
        ("[workspace", "this is not TOML"),
        ("[detect.flood]\n[detect.flood]", "this is not TOML: the table [detect.flood] stands twice (at line 2"),
        ("[detect]\nalpha = 3", "detect.alpha: expected a number below 1, got 3"),
        ("[serve]\nport = 8080", "serve: nothing reads this section"),
        ("[[route]]\nname = 'soc'\nkind = 'smoke'\nto = 'https://a'", "route 1.kind: Input should be 'webhook'"),
        ("[[route]]\nname = 'soc'\nsevrity = 'high'", "route 1.sevrity: unknown key\nDid you mean 'severity'?"),
        ("[[maintenance]]\nday = 'sunday'", "maintenance 1.day: unknown key"),
        ("[workspace]\nlake = 's3://b/l'\n[privacy]\nretention_days = 3", "privacy.retention_days: events are deleted"),
        ("[privacy]\nkeep_inputs = 'rounded'", "privacy.keep_inputs: expected 'exact', 'quantised' or 'digest'"),
    ],
)
def test_a_wrong_value_names_the_key_and_what_was_expected(file: Path, text: str, expected: str) -> None:
    assert complaint(file, text).startswith(expected)


def test_a_wrong_text_is_not_repeated_since_it_may_be_a_secret(file: Path) -> None:
    assert "hidden" not in complaint(file, "[detect]\nhorizon = 'hidden'")


def test_what_is_not_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not TOML"):
        load_workspace(file)


def test_a_workspace_is_found_from_below(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    below = file.parent / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    found = load_workspace()
    assert found is not None
    assert found.file == file


def test_the_environment_names_a_workspace(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (file, file.parent):
        monkeypatch.setenv("CAPONIER_WORKSPACE", str(name))
        assert require_workspace().file == file
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(file.parent / "missing"))
    with pytest.raises(InputError, match="CAPONIER_WORKSPACE names it"):
        load_workspace()
    assert loaded(file).file == file, "what the command names wins"


def test_without_a_workspace_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_workspace() is None
    with pytest.raises(InputError, match="caponier init"):
        require_workspace()
    with pytest.raises(InputError, match="no such workspace"):
        load_workspace(tmp_path)


def test_a_created_workspace_is_complete(tmp_path: Path) -> None:
    file = create_workspace(tmp_path / "new" / "fraud-watch")
    made = loaded(file)
    assert made.name == "fraud-watch"
    assert Path(made.lake).is_dir()
    assert len(read_salt(made)) == 32
    with open_store(made.store) as store, store.read() as connection:
        (row,) = audit.rows(connection)
        assert (row.action, row.object) == ("workspace.created", str(file))
        assert audit.verify(connection).ok


@pytest.mark.parametrize("folder", ['quo"te', "ünï", "new\nline"])
def test_any_folder_name_gives_a_file_that_is_read_again(tmp_path: Path, folder: str) -> None:
    assert loaded(create_workspace(tmp_path / folder)).name


def test_the_commented_examples_of_a_new_file_are_right(tmp_path: Path) -> None:
    file = create_workspace(tmp_path / "w")
    prose = ("# A Caponier", "# Relative", "# What you run", "#\n")
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(line if line.startswith(prose) else line.removeprefix("# ") for line in lines))
    everything = loaded(file)
    assert everything.pinned == "amltm-2020"
    assert everything.privacy.retention_days == 90
    system = everything.system_of("digits-mlp")
    assert system is not None
    assert system.criticality is Criticality.HIGH


def test_secrets_are_for_their_owner_and_not_for_a_repository(tmp_path: Path) -> None:
    file = create_workspace(tmp_path)
    hidden = file.parent / ".caponier"
    assert stat.S_IMODE((hidden / "salt").stat().st_mode) == 0o600
    assert stat.S_IMODE(hidden.stat().st_mode) == 0o700
    assert (hidden / ".gitignore").read_text() == "*\n"
    assert (file.parent / "lake" / ".gitignore").read_text() == "*\n"
    assert not list(file.parent.rglob("*.tmp")) + list(file.parent.glob(".caponier.toml.*"))


def test_every_workspace_has_its_own_salt(tmp_path: Path) -> None:
    salts = {read_salt(loaded(create_workspace(tmp_path / name))) for name in ("a", "b")}
    assert len(salts) == 2


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_existing_workspace_is_never_changed(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(InputError, match="nothing was changed") as refused:
        create_workspace(tmp_path)
    assert refused.value.exit_code == 2
    assert snapshot(tmp_path) == before


def test_an_interrupted_creation_is_finished_with_the_same_salt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: str, suggested: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_template", fail)
    with pytest.raises(InputError, match="No space left"):
        create_workspace(tmp_path)
    assert not (tmp_path / "caponier.toml").exists()
    salt = (tmp_path / ".caponier" / "salt").read_text()
    monkeypatch.undo()
    made = loaded(create_workspace(tmp_path))
    assert read_salt(made).hex() == salt
    with closing(sqlite3.connect(tmp_path / ".caponier" / "store.db")) as connection:
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (1,)


def test_of_two_creations_at_once_one_wins(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def attempt() -> None:
        try:
            create_workspace(tmp_path)
            outcomes.append("created")
        except InputError:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=HANG)
    assert sorted(outcomes) == ["created", "refused", "refused", "refused"]
    with closing(sqlite3.connect(tmp_path / ".caponier" / "store.db")) as connection:
        assert connection.execute("SELECT count(*) FROM audit").fetchone() == (1,)


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match="cannot be created"):
        create_workspace(tmp_path / "taken")


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_salt_that_others_may_read_is_refused(tmp_path: Path) -> None:
    made = loaded(create_workspace(tmp_path))
    salt = tmp_path / ".caponier" / "salt"
    salt.chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        read_salt(made)


@pytest.mark.parametrize("content", ["not hexadecimal", "abcd", ""])
def test_a_bad_salt_is_refused_and_not_shown(tmp_path: Path, content: str) -> None:
    made = loaded(create_workspace(tmp_path))
    (tmp_path / ".caponier" / "salt").write_text(content)
    with pytest.raises(InputError) as refused:
        read_salt(made)
    assert not content or content not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_missing_salt_says_what_is_lost(file: Path) -> None:
    with pytest.raises(InputError, match="every caller becomes a new one"):
        read_salt(loaded(file))


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    def nameless() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr(module.getpass, "getuser", nameless)
    assert module.acting_user() == f"uid {os.getuid()}"


def test_what_is_inside_is_read_and_a_misspelt_key_is_not(tmp_path: Path) -> None:
    file = create_workspace(tmp_path)
    plain = file.read_text()
    file.write_text(
        plain + '\n[inside]\naddresses = ["198.51.100.7"]\naccounts = ["ci-*"]\n'
        'changes = [{ days = ["mon"], begin = 22:00:00, until = 02:00:00 }]\n'
    )
    inside = require_workspace(tmp_path).inside
    assert [str(address) for address in inside.addresses] == ["198.51.100.7/32"]
    assert (inside.accounts, inside.changes[0].days) == (("ci-*",), ("mon",))
    file.write_text(plain + '\n[inside]\nadresses = ["198.51.100.7"]\n')
    with pytest.raises(InputError, match="addresses"):
        require_workspace(tmp_path)


def test_the_workspace_to_create_is_the_folder_that_was_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"caponier init {tmp_path / 'new'}$"):
        load_workspace(tmp_path / "new")
