import io
import pickle
import warnings
import zipfile
from typing import Any

import joblib
import numpy as np
import pytest
from safetensors.numpy import load, save
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from caponier.detect.networks.architecture import assemble, assemble_bare
from caponier.detect.networks.network import Network, softmax
from caponier.detect.networks.stored_tensors import Contents, read_contents, rewritten
from caponier.emulate.victims.digits import Pool, load_digits_split
from caponier.errors import InputError


@pytest.fixture(scope="module")
def pool() -> Pool:
    return load_digits_split(7).train


def fitted(pool: Pool, *before: Any, **words: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = make_pipeline(*before, MLPClassifier((16,), max_iter=60, random_state=1, **words))
        return model.fit(pool.images, pool.labels)


def network(data: bytes, pool: Pool) -> Network:
    return assemble(read_contents(memoryview(data), "file"), (8, 8), pool.images, pool.labels, "file")


def packed(model: Any, how: str) -> bytes:
    if how.startswith("pickle"):
        return pickle.dumps(model, protocol=int(how[-1]))
    data = io.BytesIO()
    joblib.dump(model, data, compress=3 if how == "joblib packed" else 0)
    return data.getvalue()


@pytest.mark.parametrize("how", ["pickle 2", "pickle 4", "pickle 5", "joblib", "joblib packed"])
def test_a_network_of_scikit_learn_answers_as_it_does_itself(how: str, pool: Pool) -> None:
    model = fitted(pool, StandardScaler())
    scores = network(packed(model, how), pool).scores(pool.images)
    assert softmax(scores) == pytest.approx(model.predict_proba(pool.images), abs=1e-5)


@pytest.mark.parametrize("activation", ["tanh", "logistic", "identity"])
def test_other_activations_and_scalers_are_known(activation: str, pool: Pool) -> None:
    model = fitted(pool, MinMaxScaler(), activation=activation, learning_rate_init=0.01)
    scores = network(packed(model, "joblib"), pool).scores(pool.images)
    assert softmax(scores) == pytest.approx(model.predict_proba(pool.images), abs=1e-5)


def test_two_classes_have_two_scores(pool: Pool) -> None:
    two = Pool(pool.images, (pool.labels >= 5).astype(np.int64))
    model = fitted(two)
    scores = network(packed(model, "joblib"), two).scores(two.images)
    assert softmax(scores) == pytest.approx(model.predict_proba(two.images), abs=1e-5)


@pytest.mark.parametrize("how", ["pickle 4", "pickle 5", "joblib"])
def test_other_numbers_are_written_into_the_same_bytes(how: str, pool: Pool) -> None:
    data = packed(fitted(pool), how)
    old = network(data, pool)
    assert len(old.stored) == 4
    changes = [(tensor, old.layers[at].tensors[name] * 2) for (at, name), tensor in old.stored.items()]
    new = rewritten(memoryview(data), read_contents(memoryview(data), "file"), changes)
    assert len(new) == len(data)
    loaded = joblib.load(io.BytesIO(new)) if how == "joblib" else pickle.loads(new)
    assert network(new, pool).answers(pool.images).tolist() == loaded.predict(pool.images).tolist()


def test_numbers_that_are_packed_are_not_written(pool: Pool) -> None:
    data = packed(fitted(pool), "joblib packed")
    old = network(data, pool)
    (at, name), tensor = next(iter(old.stored.items()))
    with pytest.raises(InputError, match="packs its numbers"):
        rewritten(memoryview(data), Contents("pickle"), [(tensor, old.layers[at].tensors[name])])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_safetensors_of_any_width_are_read_and_written(kind: Any) -> None:
    rng = np.random.default_rng(1)
    tensors = {f"{at}.{name}": rng.normal(size=shape).astype(kind)
               for at, out, into in ((0, 6, 4), (2, 5, 6), (10, 3, 5))
               for name, shape in (("weight", (out, into)), ("bias", (out,)))}  # fmt: skip
    data = save(tensors)
    contents = read_contents(memoryview(data), "file")
    # Layer 10 comes after layer 2.
    assert list(contents.tensors)[-2:] == ["10.bias", "10.weight"]
    built, width = assemble_bare(contents, "file")
    assert (width, built.outputs, len(built.layers)) == (4, 3, 5)
    tensor = contents.tensors["2.weight"]
    again = load(rewritten(memoryview(data), contents, [(tensor, tensor.values + 1)]))
    assert again["2.weight"] == pytest.approx((tensors["2.weight"] + 1).astype(kind), rel=1e-3)
    assert (again["0.weight"] == tensors["0.weight"]).all()


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing of the kind", pickle.dumps([1, 2]), pickle.dumps({"a": 1}), b"PK\x03\x04" + bytes(40)],
    ids=["empty", "text", "a list", "a dictionary", "half an archive"],
)
def test_what_is_no_network_is_refused(data: bytes, pool: Pool) -> None:
    with pytest.raises(InputError):
        network(data, pool)


def test_an_archive_without_a_description_is_refused(pool: Pool) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(InputError, match="another kind"):
        network(data.getvalue(), pool)


def test_a_tensor_larger_than_is_computed_is_refused() -> None:
    data = save({"weight": np.zeros((1 << 12, (1 << 12) + 1), np.float16)})
    with pytest.raises(InputError, match="larger than what is computed"):
        read_contents(memoryview(data), "file")
