"""TorchScript: what torch writes is clean, operators that reach files are not, and Python finds nothing to run."""

import io
import warnings
import zipfile

import pytest
import torch

from caponier.detect.artifact import Judgement, Verdict
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
