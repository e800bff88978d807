"""Control: models of scikit-learn as people keep them, with joblib and pickle."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from caponier.extras import needs
from caponier.matrix.technique import TechniqueId


@dataclass(frozen=True)
class SklearnModels:
    """Trains small models and writes them with joblib, compressed and not, and with pickle protocols 2 to 5."""

    name: ClassVar[str] = "sklearn_models"
    description: ClassVar[str] = "scikit-learn models, written with joblib (plain and compressed) and pickle"
    techniques: ClassVar[tuple[TechniqueId, ...]] = ()
    harmful: ClassVar[bool] = False

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files; see `caponier.emulate.file_emulation.FileEmulation.write`."""
        del canary
        with needs("emulate", "Writing scikit-learn models"):
            import joblib
        paths = []
        for name, model in _models().items():
            for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
                paths.append(folder / f"{name}-{protocol}.pkl")
                paths[-1].write_bytes(pickle.dumps(model, protocol=protocol))
            for how in ("", "zlib", "gzip", "bz2", "xz", "lzma"):
                paths.append(folder / f"{name}{how and '-'}{how}.joblib")
                joblib.dump(model, paths[-1], compress=(how, 3) if how else 0)
        return paths


def _models() -> dict[str, Any]:
    with needs("emulate", "Training scikit-learn models"):
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.neural_network import MLPClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer, StandardScaler
        from sklearn.svm import SVC
    rng = np.random.default_rng(0)
    x = rng.random((60, 4))
    y = np.where(x[:, 0] > 0.5, "yes", "no").astype(object)
    models = {
        "forest": RandomForestClassifier(3, random_state=np.random.RandomState(0)),
        "neighbours": KNeighborsClassifier(algorithm="kd_tree"),
        "network": MLPClassifier((4,), tol=10.0, n_iter_no_change=1, random_state=0),
        "pipeline": make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), SVC()),
    }
    return {name: model.fit(x, y) for name, model in models.items()}


EMULATION = SklearnModels()
