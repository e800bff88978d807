"""Files of a few bytes that describe more numbers, layers or work than any machine has."""

import io
import zipfile
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from caponier.detect.model import ReadModel
from caponier.detect.models.weight_outlier import detector
from caponier.detect.networks import network
from caponier.detect.networks.architecture import assemble
from caponier.detect.networks.layers import MOST_HELD, Convolution, Linear, Pooling
from caponier.detect.networks.network import Network
from caponier.detect.networks.stored_tensors import Contents, read_contents, rewritten
from caponier.errors import InputError
from caponier.remediate.unlearning import prune

SIDE = 256
ROWS = np.random.default_rng(3).random((40, 36)).astype(np.float32)
LABELS = np.arange(40) % 4
MODULES = "torch.nn.modules"


def name(module: str, of: str) -> bytes:
    return f"c{module}\n{of}\n".encode()


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def whole(*numbers: int) -> bytes:
    return b"(" + b"".join(b"J" + one.to_bytes(4, "little", signed=True) for one in numbers) + b"t"


def tensor(shape: tuple[int, ...], offset: int = 0) -> bytes:
    strides = tuple(int(np.prod(shape[at + 1 :])) for at in range(len(shape)))
    place = b"(" + text("storage") + name("torch", "FloatStorage") + text("0") + text("cpu")
    storage = place + b"J" + (SIDE * SIDE).to_bytes(4, "little") + b"tQ"
    about = b"J" + offset.to_bytes(4, "little", signed=True) + whole(*shape) + whole(*strides)
    hooks = b"\x89" + name("collections", "OrderedDict") + b")R"
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + storage + about + hooks + b"tR"


def entries(pairs: dict[str, bytes]) -> bytes:
    return b"}(" + b"".join(text(key) + value for key, value in pairs.items()) + b"u"


def module(kind: tuple[str, str], inner: dict[str, bytes], **more: bytes) -> bytes:
    noted = {"_modules": entries(inner), "_parameters": b"}", "_buffers": b"}"} | more
    return name(f"{MODULES}.{kind[0]}", kind[1]) + b")\x81" + entries(noted) + b"b"


def archive(pickled: bytes) -> memoryview:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as made:
        made.writestr("m/data.pkl", b"\x80\x02" + pickled + b".")
        made.writestr("m/data/0", np.zeros(SIDE * SIDE, np.float32).tobytes())
    return memoryview(data.getvalue())


def read(pickled: bytes) -> Contents:
    return read_contents(archive(pickled), "file")


def test_tensors_that_lie_in_the_same_place_are_held_once() -> None:
    tensors = read(entries({f"{n}.weight": tensor((SIDE, SIDE)) for n in range(300)})).tensors
    assert len(tensors) == 300
    assert len({id(one.values) for one in tensors.values()}) == 1


def test_tensors_that_lie_in_each_other_hold_no_more_than_the_file() -> None:
    with pytest.raises(InputError, match="lie in each other"):
        read(entries({f"{n}.weight": tensor((SIDE * SIDE - n,)) for n in range(3)}))


@pytest.mark.parametrize("shape", [(-1,), (-2, -3), (-1, 0)])
def test_a_side_below_nothing_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="less than nothing"):
        read(entries({"a.weight": tensor(shape)}))


def test_modules_that_hold_one_another_twice_are_not_followed_without_end() -> None:
    made = module(("activation", "ReLU"), {}) + b"q\x00"
    for depth in range(40):
        twice = {"a": made, "b": b"h" + bytes([depth])}
        made = module(("container", "Sequential"), twice) + b"q" + bytes([depth + 1])
    with pytest.raises(InputError, match="more than 10,000 layers"):
        assemble(read(made), (), ROWS, LABELS, "file")


@pytest.mark.parametrize("broken", ["stride", "kernel_size"])
def test_a_window_that_goes_nowhere_is_refused_in_words(broken: str) -> None:
    about = {"kernel_size": b"K\x02", "stride": b"K\x02", "padding": b"K\x00"} | {broken: b"K\x00"}
    with pytest.raises(InputError, match="unusual form"):
        assemble(read(module(("pooling", "MaxPool2d"), {}, **about)), (6, 6), ROWS, LABELS, "file")


@pytest.mark.parametrize("layers", [{}, {"a": module(("activation", "ReLU"), {})}], ids=["empty", "nothing learned"])
def test_what_has_learned_nothing_is_no_network(layers: dict[str, bytes]) -> None:
    with pytest.raises(InputError):
        assemble(read(module(("container", "Sequential"), layers)), (), ROWS, ROWS.argmax(1), "file")


def identity() -> dict[str, Any]:
    return {"a.weight": np.eye(4, 36, dtype=np.float32), "a.bias": np.zeros(4, np.float32)}


def test_samples_of_a_class_that_the_network_lacks_are_refused_wherever_they_stand() -> None:
    contents = read_contents(memoryview(save(identity())), "file")
    x = np.tile(np.eye(4, 36, dtype=np.float32), (300, 1))
    labels = np.tile(np.arange(4), 300)
    assert assemble(contents, (), x, labels, "file").outputs == 4
    labels[1_111] = 7
    with pytest.raises(InputError, match="labels are not what it answers"):
        assemble(contents, (), x, labels, "file")


def test_a_network_that_is_right_of_the_first_class_alone_is_not_believed() -> None:
    contents = read_contents(memoryview(save(identity() | {"a.bias": np.array([9, 0, 0, 0], np.float32)})), "file")
    x = np.repeat(np.eye(4, 36, dtype=np.float32), 400, 0)
    with pytest.raises(InputError, match="labels are not what it answers"):
        assemble(contents, (), x, np.repeat(np.arange(4), 400), "file")


def test_so_many_classes_that_no_memory_holds_their_margins_are_not_computed() -> None:
    classes = 60_000
    layer = Linear({"weight": np.zeros((classes, 4), np.float32), "bias": np.zeros(classes, np.float32)})
    said = detector.analyse(ReadModel(Network((layer,), {}), None, 4)).silent
    assert said is not None
    assert "too long" in said
    with pytest.raises(ValueError, match="more memory than is used here"):
        layer.forward(np.zeros((MOST_HELD // classes + 1, 4), np.float32))


def test_layers_that_only_together_take_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    grows = Pooling((1, 1), (1, 1), (4, 4), mean=True)
    monkeypatch.setattr(network, "MOST_HELD", 10_000)
    assert Network((grows,) * 4, {}).run(ROWS[:1].reshape(1, 1, 6, 6))[0].shape == (1, 1, 38, 38)
    with pytest.raises(ValueError, match="more memory than is used here"):
        Network((grows,) * 12, {}).run(ROWS[:1].reshape(1, 1, 6, 6))
    layer = Linear({"weight": np.ones((36, 36), np.float32), "bias": np.zeros(36, np.float32)})
    monkeypatch.setattr(network, "MOST_DONE", 10 * 36 * 36)
    with pytest.raises(ValueError, match="multiplications takes longer"):
        Network((layer,) * 11, {}).run(ROWS[:1])


def test_a_layer_that_takes_too_long_is_refused_before_it_begins() -> None:
    layer = Convolution({"weight": np.zeros((2_048, 1, 32, 32), np.float32), "bias": np.zeros(2_048, np.float32)})
    with pytest.raises(ValueError, match="multiplications takes longer"):
        layer.forward(np.zeros((1, 1, 543, 543), np.float32))


def test_units_of_a_last_layer_that_takes_pictures_are_not_pruned() -> None:
    rng = np.random.default_rng(1)
    layers = [
        Convolution({"weight": rng.random((3, c, 2, 2), np.float32), "bias": np.zeros(3, np.float32)}) for c in (1, 3)
    ]
    assert prune(Network(tuple(layers), {}), rng.random((5, 1, 3, 3), np.float32), np.zeros(5, np.int64)) == 0


def test_an_archive_in_an_odd_form_is_not_written_anew() -> None:
    odd = Contents("torch", archive=True)
    for data in (b"PK\x03\x04", b"PK\x05\x06" + bytes(18)[:10]):
        with pytest.raises(InputError, match="odd way"):
            rewritten(memoryview(data), odd, [])
