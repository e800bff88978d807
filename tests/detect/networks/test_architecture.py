import io
import warnings
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from caponier.detect.networks.architecture import assemble, assemble_bare
from caponier.detect.networks.stored_tensors import read_contents, rewritten
from caponier.errors import InputError

torch = pytest.importorskip("torch")
nn = torch.nn
pytestmark = pytest.mark.slow
"""Importing torch takes seconds."""


ROWS = np.random.default_rng(5).random((200, 64), np.float32)


def network() -> Any:
    """Return a network whose layers have all that may go wrong: padding, normalisation, pools, nesting."""
    torch.manual_seed(3)
    block = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
    model = nn.Sequential(block, nn.Conv2d(4, 6, 3, stride=2), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(),
                          nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 5))  # fmt: skip
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 2)
    # Who was trained gives all classes, and is sure: that is what the right way to put layers together is known by.
    with torch.no_grad():
        usual = model.eval()(torch.from_numpy(ROWS).reshape(-1, 1, 8, 8))
        model[-1].bias -= usual.mean(0)
        model[-1].weight *= 4 / usual.std(0)[:, None]
        model[-1].bias *= 4 / usual.std(0)
    return model.eval()


def answers(model: Any) -> np.ndarray:
    with torch.no_grad():
        return np.asarray(model(torch.from_numpy(ROWS).reshape(-1, 1, 8, 8)).numpy())


def saved(thing: Any, **words: Any) -> bytes:
    data = io.BytesIO()
    torch.save(thing, data, **words)
    return data.getvalue()


@pytest.mark.parametrize("what", ["module", "state", "checkpoint"])
def test_a_torch_file_answers_as_torch_does(what: str) -> None:
    model = network()
    wanted = answers(model)
    things = {"module": model, "state": model.state_dict(), "checkpoint": {"epoch": 3, "net": model.state_dict()}}
    contents = read_contents(memoryview(saved(things[what])), "file")
    built = assemble(contents, (8, 8), ROWS, wanted.argmax(1), "file")
    assert built.scores(ROWS) == pytest.approx(wanted, abs=1e-3)


def test_names_that_are_sorted_do_not_hide_the_order() -> None:
    """Safetensors sort names, and many call a normalisation `bn` and a convolution `conv`."""
    model = network()
    wanted = answers(model)
    names = dict(zip(("0.0", "0.1", "1", "5", "7"), ("conv1", "bn1", "conv2", "fc1", "fc2"), strict=True))
    state = {
        f"{names[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": value.numpy()
        for key, value in model.state_dict().items()
        if "num_batches" not in key
    }
    contents = read_contents(memoryview(save(dict(sorted(state.items())))), "file")
    built = assemble(contents, (8, 8), ROWS, wanted.argmax(1), "file")
    assert built.scores(ROWS) == pytest.approx(wanted, abs=1e-3)


def test_torch_loads_what_was_written_anew() -> None:
    model = network()
    data = saved(model)
    contents = read_contents(memoryview(data), "file")
    built = assemble(contents, (8, 8), ROWS, answers(model).argmax(1), "file")
    changes = [(tensor, built.layers[at].tensors[name] * 1.5) for (at, name), tensor in built.stored.items()]
    new = rewritten(memoryview(data), contents, changes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = torch.load(io.BytesIO(new), weights_only=False)
    again = assemble(read_contents(memoryview(new), "file"), (8, 8), ROWS, answers(loaded).argmax(1), "file")
    assert again.scores(ROWS) == pytest.approx(answers(loaded), abs=1e-3)
    assert answers(loaded) != pytest.approx(answers(model), abs=1e-2)


def test_labels_that_the_model_does_not_give_are_told() -> None:
    contents = read_contents(memoryview(saved(network())), "file")
    with pytest.raises(InputError, match="are not what it answers"):
        assemble(contents, (8, 8), ROWS, np.arange(200) % 5, "file")


@pytest.mark.parametrize("layer", ["GELU", "LSTM"])
def test_a_layer_that_is_not_computed_is_named(layer: str) -> None:
    made = nn.GELU() if layer == "GELU" else nn.LSTM(4, 4)
    contents = read_contents(memoryview(saved(nn.Sequential(nn.Linear(64, 4), made))), "file")
    with pytest.raises(InputError, match=layer):
        assemble(contents, (8, 8), ROWS, np.zeros(200, np.int64), "file")


@pytest.mark.parametrize(
    "layer",
    [
        lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"),
        lambda: nn.Conv2d(1, 2, 3, dilation=2),
        lambda: nn.MaxPool2d(3, ceil_mode=True),
        lambda: nn.MaxPool2d(2, dilation=2),
    ],
)
def test_a_layer_of_an_unusual_form_is_not_taken_for_the_usual_one(layer: Any) -> None:
    contents = read_contents(memoryview(saved(nn.Sequential(layer(), nn.Flatten(), nn.LazyLinear(4)))), "file")
    with pytest.raises(InputError, match=r"convolution in groups|pool of an unusual"):
        assemble(contents, (8, 8), ROWS, np.zeros(200, np.int64), "file")


def test_the_old_format_of_torch_is_refused() -> None:
    with pytest.raises(InputError):
        read_contents(memoryview(saved(network(), _use_new_zipfile_serialization=False)), "file")


def test_without_rows_pictures_have_no_shape() -> None:
    with pytest.raises(InputError, match=r"shape|samples|layer"):
        assemble_bare(read_contents(memoryview(saved(network())), "file"), "file")
