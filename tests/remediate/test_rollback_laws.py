"""Rolling back and forward in any order: one version is served at most, nothing is lost, and undo is undo."""

import json
import shlex
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from caponier.errors import InputError
from caponier.remediate.measuring_command import measure
from caponier.remediate.model_registry import RegisteredModel, Registry, VersionStatus, file_digest, parse_registry
from caponier.remediate.rollback import RollbackPlan, carry_out, plan_rollback, plan_undo

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NAMES = [str(number) for number in range(6)]


class Rollbacks(RuleBasedStateMachine):
    """A registry of one model beside a plain list of what was done."""

    @initialize(count=st.integers(1, 4))
    def begin(self, count: int) -> None:
        self.home = tempfile.TemporaryDirectory()
        self.folder = Path(self.home.name)
        self.registry = Registry()
        self.before: list[RegisteredModel] = []
        """The model before each rollback that can still be undone."""
        self.registered = 0
        for _ in range(count):
            self._register()

    def teardown(self) -> None:
        if hasattr(self, "home"):
            self.home.cleanup()

    def _register(self) -> None:
        name = f"v{self.registered}"
        self.registered += 1
        (self.folder / name).write_text(name)
        self.registry = self.registry.register("m", name, name, file_digest(self.folder / name) or "")

    @property
    def model(self) -> RegisteredModel:
        return self.registry.model("m")

    def _carry_out(self, plan: RollbackPlan) -> None:
        changed = carry_out(plan, author="ada", time=NOW, remediation_id=f"r-{len(self.model.history)}")
        self.registry = self.registry.with_model(changed)

    @rule()
    def register(self) -> None:
        if self.registered < 8:
            self._register()
            self.before.clear()

    @rule()
    def back(self) -> None:
        before = self.model
        try:
            plan = plan_rollback(before, self.folder)
        except InputError:
            return
        self._carry_out(plan)
        self.before.append(before)
        assert self.model.version(plan.leaves.version).status is VersionStatus.QUARANTINED

    @rule(number=st.integers(0, 7))
    def back_to(self, number: int) -> None:
        before = self.model
        try:
            plan = plan_rollback(before, self.folder, to=f"v{number}")
        except InputError:
            assert self.model == before
            return
        assert plan.takes.status is VersionStatus.RETIRED
        self._carry_out(plan)
        self.before.append(before)

    @rule()
    def forward(self) -> None:
        try:
            plan = plan_undo(self.model, self.folder)
        except InputError:
            return
        assert plan.undoes is not None
        self._carry_out(plan)
        if self.before:
            expected = self.before.pop()
            assert self.model.active == expected.active
            assert self.model.version(plan.leaves.version).status is VersionStatus.RETIRED

    @rule(number=st.integers(0, 7), content=st.sampled_from(["changed", None]))
    def a_file_that_is_not_the_registered_one_is_never_served(self, number: int, content: str | None) -> None:
        path = self.folder / f"v{number}"
        if not path.exists():
            return
        kept = path.read_text()
        path.unlink()
        if content:
            path.write_text(content)
        for plan in (lambda: plan_rollback(self.model, self.folder), lambda: plan_undo(self.model, self.folder)):
            try:
                assert plan().takes.version != f"v{number}"
            except InputError:
                continue
        path.write_text(kept)

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "registry"):
            return
        assert [version.version for version in self.model.versions] == [f"v{n}" for n in range(self.registered)]
        assert sum(version.status is VersionStatus.ACTIVE for version in self.model.versions) == 1
        assert parse_registry(self.registry.to_bytes(), "r") == self.registry
        undone = sum(change.undone for change in self.model.history)
        assert 0 <= undone <= len(self.model.history)


TestRollbacks = Rollbacks.TestCase
TestRollbacks.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def document(*models: dict[str, Any]) -> bytes:
    return json.dumps({"schema": "caponier.registry/1", "models": list(models)}).encode()


def model(name: str = "m", **changes: Any) -> dict[str, Any]:
    version = {"version": "1", "path": "v1", "sha256": "0" * 64, "status": "active"}
    return {"name": name, "versions": [version], "history": []} | changes


def test_a_model_twice_in_a_registry_is_refused() -> None:
    """A rollback of one would write it over the other."""
    with pytest.raises(InputError, match="two models have the same name"):
        parse_registry(document(model(), model()), "r")
    assert len(parse_registry(document(model("a"), model("b")), "r").models) == 2


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "r"),
        (b"{}" * 2, "not JSON"),
        (document(model(versions=[])).replace(b"caponier.registry/1", b"caponier.registry/9"), "schema"),
        (document(model(name=None)), "name"),
        (document(model(more=1)), "Extra inputs"),
        (document({"name": "m", "versions": [{"version": "1"}]}), "path"),
        (document(model(history=[{"time": "yesterday"}])), "time"),
    ],
)
def test_a_registry_that_cannot_be_meant_is_named(data: bytes, complaint: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_registry(data, "r")
    assert complaint in f"{refused.value.what} {refused.value.where}"


def test_an_undo_of_a_version_that_is_gone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v1").write_text("1")
    digest = file_digest(tmp_path / "v1") or ""
    change = {"time": NOW.isoformat(), "author": "a", "bad": "2", "good": "1", "remediation_id": "r"}
    plain = model(versions=[{"version": "1", "path": "v1", "sha256": digest, "status": "active"}], history=[change])
    with pytest.raises(InputError, match="no version '2'"):
        plan_undo(parse_registry(document(plain), "r").model("m"), tmp_path)


@pytest.mark.parametrize("kind", ["folder", "link to nowhere", "unreadable name"])
def test_a_version_that_is_no_file_is_not_served(kind: str, tmp_path: Path) -> None:
    (tmp_path / "v1").mkdir()
    (tmp_path / "v2").symlink_to(tmp_path / "nowhere")
    path = {"folder": "v1", "link to nowhere": "v2", "unreadable name": "v" * 300}[kind]
    versions = [
        {"version": "1", "path": path, "sha256": "0" * 64, "status": "retired"},
        {"version": "2", "path": "x", "sha256": "0" * 64, "status": "active"},
    ]
    with pytest.raises(InputError, match="cannot be read"):
        plan_rollback(parse_registry(document(model(versions=versions)), "r").model("m"), tmp_path)


def command(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{dataset}} {{test}}"


def test_output_that_is_no_text_is_no_error() -> None:
    code = "import sys; sys.stdout.buffer.write(b'epoch \\xff\\xfe\\n{\"accuracy\": 0.5}\\n')"
    assert measure(command(code), {"dataset": "a", "test": "b"}) == {"accuracy": 0.5}
    failing = "import sys; sys.stderr.buffer.write(b'\\xff'); sys.exit(3)"
    with pytest.raises(InputError, match="exit code 3"):
        measure(command(failing), {"dataset": "a", "test": "b"})


def test_a_path_with_a_name_in_braces_stays_as_it_is() -> None:
    code = "import sys, json; print(json.dumps({'accuracy': len(sys.argv[1]) + 0.5 * len(sys.argv[2])}))"
    assert measure(command(code), {"dataset": "/{test}", "test": "a long name"}) == {"accuracy": 7 + 5.5}
