"""TorchScript: what torch writes is clean, operators that reach files are not, and Python finds nothing to run."""

import importlib.util
import io
import pickle
import warnings
import zipfile
from pathlib import Path

import pytest
import torch

from caponier.detect.artifact import Judgement, Verdict
from caponier.detect.model_files.files import torchscript
from detect.model_files.files.building import judged, zipped


class _Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = torch.nn.Conv2d(1, 2, 3), torch.nn.LayerNorm(2)
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 2)])

    def forward(self, images: torch.Tensor, times: int = 2) -> dict[str, torch.Tensor]:
        rows = self.norm(self.convolution(images).mean(dim=[2, 3]))
        found: list[torch.Tensor] = []
        for layer in self.layers:
            for _ in range(times):
                found += [torch.relu(layer(rows))]
        assert len(found) > 0, "it's empty"
        return {"rows": torch.stack(found)}


class _Helper(torch.nn.Module):
    @torch.jit.export
    def encode_rows(self, rows: torch.Tensor) -> torch.Tensor:
        return rows * 2

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows


class _Outer(torch.nn.Module):
    def __init__(self, helper: torch.nn.Module) -> None:
        super().__init__()
        self.helper = helper

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.helper.encode_rows(rows)
        return found


@pytest.fixture(scope="module")
def scripted() -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        torch.jit.save(torch.jit.script(_Net().eval()), stream)
    return stream.getvalue()


def changed(program: bytes, old: str, new: str) -> Judgement:
    """Judge a program of which the source of the network was changed."""
    with zipfile.ZipFile(io.BytesIO(program)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (name for name, content in parts.items() if name.endswith(".py") and b"class _Net(Module):" in content)
    assert old in parts[name].decode()
    parts[name] = parts[name].decode().replace(old, new).encode()
    return judged(zipped(parts))


def test_a_program_that_computes_is_clean(scripted: bytes) -> None:
    judgement = judged(scripted)
    assert (judgement.verdict, judgement.kind, judgement.reason) == (Verdict.CLEAN, "torchscript", "")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_traced_and_a_frozen_program_and_one_for_phones_are_clean() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()).eval()
    traced = torch.jit.trace(net, torch.ones(1, 2))
    for save in (
        lambda stream: torch.jit.save(traced, stream),
        lambda stream: torch.jit.save(torch.jit.freeze(traced), stream),
        lambda stream: stream.write(traced._save_to_buffer_for_lite_interpreter()),
    ):
        stream = io.BytesIO()
        save(stream)
        assert judged(stream.getvalue()).verdict is Verdict.CLEAN


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ('_9 = torch.save(images, "x")', Verdict.UNSAFE),
        ('_9 = torch . save(images, "x")', Verdict.UNSAFE),
        ('_9 = ops.aten.from_file("/etc/passwd", False, 9)', Verdict.UNSAFE),
        ('_9 = getattr(torch, "save")(images, "x")', Verdict.UNKNOWN),
        ('_9 = (images).save("x")', Verdict.UNKNOWN),
        ("_9 = ops.own.run(images)", Verdict.UNKNOWN),
        ('_9 = ops.prim.rpc_sync("w", "f", (), {}, 1.)', Verdict.UNKNOWN),
        ("_9 = ops", Verdict.UNKNOWN),
        (r'_9 = getattr(torch, "s\141ve")(images, "x")', Verdict.UNKNOWN),
        (r'_9 = getattr(images, "s\141ve")("x")', Verdict.UNKNOWN),
        ('_9 = getattr(torch, "made_later")(images)', Verdict.UNKNOWN),
        ("_9 = torch.made_later(images)", Verdict.UNKNOWN),
        ("_9 = (images).made_later()", Verdict.UNKNOWN),
        ("_9 = ops.aten.made_later(images)", Verdict.UNKNOWN),
        ("_9 = torch", Verdict.UNKNOWN),
        ("_9 = __torch__.torch", Verdict.UNKNOWN),
        ("_9 = __torch__.torch.classes", Verdict.UNKNOWN),
        ('_9 = getattr(__torch__.torch.classes, "own")', Verdict.UNKNOWN),
        ("_9 = getattr(torch, 'save')(images, \"x\")", Verdict.UNKNOWN),
        ("_9 = __torch__.torch.classes.own.Thing()", Verdict.UNKNOWN),
    ],
)
def test_an_operator_that_reaches_out_is_told(scripted: bytes, code: str, expected: Verdict) -> None:
    judgement = changed(scripted, "    return ", f"    {code}\n    return ")
    assert judgement.verdict is expected
    assert "TorchScript program" in judgement.reason


@pytest.mark.parametrize(
    "code",
    [
        "import os\nclass _Net(Module):",
        "print(1)\nclass _Net(Module):",
        "class _Net(print(1)):",
        "@print\nclass _Net(Module):",
        "class _Net(Module):\n  a : print(1)",
        "class _Net(Module):\n  a = print (1)",
        "class _Net(Module):\n  a : List[int\n    , print(1)]",
        "class _Net(Module):\n    print(1)",
        "class _Net(Module):\n  a : int; print(1)",
        "class _Net(Module):\n  a : int\r  print(1)",
        "class _Net(Module):\n\tprint(1)",
        "class _Net(Module):\n  def a(self, b=print(1)):\n    pass",
        "class _Net(Module):\n  def a(self,\n    b=print(1)):\n    pass",
        "class _Net(Module):\n  a = '''\n  def f():\n    '''\n  print(1)",
    ],
)
def test_what_python_would_run_is_no_torchscript(scripted: bytes, code: str) -> None:
    judgement = changed(scripted, "class _Net(Module):", code)
    assert judgement.verdict is Verdict.UNKNOWN


def test_the_operators_of_a_program_for_phones_are_judged() -> None:
    names = b"\x80\x02((X\n\x00\x00\x00aten::saveq\x01X\x00\x00\x00\x00K\x01ttq\x02."
    parts = {"m/data.pkl": b"\x80\x02}.", "m/constants.pkl": b"\x80\x02).", "m/bytecode.pkl": names}
    assert judged(zipped(parts)).verdict is Verdict.UNSAFE
    assert judged(zipped(parts | {"m/bytecode.pkl": names.replace(b"save", b"relu")})).verdict is Verdict.CLEAN
    assert judged(zipped(parts | {"m/bytecode.pkl": names.replace(b"aten::save", b"mine::save")})).verdict is (
        Verdict.UNKNOWN
    )


@pytest.mark.slow
def test_a_name_in_other_letters_writes_a_file_and_is_not_clean(scripted: bytes, tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    with zipfile.ZipFile(io.BytesIO(scripted)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".debug_pkl")}
    (name,) = (name for name, content in parts.items() if name.endswith(".py") and b"class _Net(Module):" in content)
    call = rf'    _9 = getattr(torch, "s\141ve")(images, "{canary}")'
    parts[name] = parts[name].decode().replace("    return ", f"{call}\n    return ").encode()
    program = zipped(parts)
    with warnings.catch_warnings(action="ignore"):
        torch.jit.load(io.BytesIO(program))(torch.ones(1, 1, 3, 3))
    assert canary.exists()
    assert judged(program).verdict is Verdict.UNKNOWN


def test_no_operator_is_listed_that_the_installed_torch_gives_a_way_out() -> None:
    path = Path(__file__).parents[4] / "scripts" / "torch_operators.py"
    spec = importlib.util.spec_from_file_location("torch_operators", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    computing, left = script.operators(torch._C._jit_get_all_schemas())
    assert {"aten::save", "aten::from_file"} <= left.keys()
    assert not [name for name in left if torchscript.computes(*name.split("::"))]
    assert torchscript.computes("aten", "relu")
    # A newer torch has more; what is written for it says which list is older.
    assert sum(torchscript.computes("aten", name) for name in computing["aten"]) > 0.9 * len(computing["aten"])


def test_a_method_of_another_source_of_the_program_is_known() -> None:
    stream = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        torch.jit.save(torch.jit.script(_Outer(torch.jit.script(_Helper()))), stream)
    assert judged(stream.getvalue()).verdict is Verdict.CLEAN


@pytest.mark.parametrize("run", [b"cfleet.made\nrun\n)R", b"cos\nsystem\n)R"])
def test_a_program_with_many_classes_of_its_own_hides_no_call_of_another(run: bytes) -> None:
    own = b"".join(b"c__torch__.made\nNet%d\n)R0" % number for number in range(1_100))
    notes = {"a/version": b"3", "a/constants.pkl": pickle.dumps((), 2)}
    plain = judged(zipped(notes | {"a/data.pkl": b"\x80\x02" + own + b"N."}))
    assert (plain.kind, plain.verdict) == ("torchscript", Verdict.CLEAN)
    assert judged(zipped(notes | {"a/data.pkl": b"\x80\x02" + own + run + b"."})).verdict is Verdict.UNSAFE
