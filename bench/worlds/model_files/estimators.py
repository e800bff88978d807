"""Every estimator of scikit-learn and of what is built like it, fitted on a few rows."""

import importlib.util
import inspect
import warnings
from collections.abc import Iterator
from importlib import import_module
from typing import Any, Final

import numpy as np

_ROWS: Final = 40
_TEXTS: Final = ("a red car is here", "the sea and the sun", "a dog runs to the sea", "red sun over the sea") * 10
_BOOSTERS: Final = {
    "xgboost": ("XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"),
    "lightgbm": ("LGBMClassifier", "LGBMRegressor", "LGBMRanker"),
    "imblearn.over_sampling": ("SMOTE", "RandomOverSampler", "ADASYN", "BorderlineSMOTE"),
    "imblearn.under_sampling": ("RandomUnderSampler", "NearMiss", "TomekLinks"),
    "imblearn.ensemble": ("BalancedRandomForestClassifier", "RUSBoostClassifier", "EasyEnsembleClassifier"),
}
"""Libraries whose estimators look like scikit-learn's, where they are installed."""
Example = tuple[str, str, Any]
"""A library, a name, and an object."""


def of_scikit_learn() -> Iterator[Example]:
    """Yield every public estimator of scikit-learn that can be fitted here, then pipelines and searches over some."""
    from sklearn.utils import all_estimators

    for name, kind in all_estimators():
        fitted = _fitted(kind)
        if fitted is not None:
            yield "scikit-learn", name, fitted
    for name, pipeline in _pipelines():
        yield "scikit-learn", name, pipeline


def of_boosters() -> Iterator[Example]:
    """Yield estimators of libraries that are built like scikit-learn."""
    for module, names in _BOOSTERS.items():
        library = module.partition(".")[0]
        if importlib.util.find_spec(library) is None:
            continue
        for name in names:
            fitted = _fitted(getattr(import_module(module), name))
            if fitted is not None:
                yield library, name, fitted


def _fitted(kind: type) -> Any:
    """Return an estimator that was fitted on whichever data it takes; None if it takes none of these."""
    for data in _data():
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return _made(kind).fit(*data)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, NotImplementedError):
            continue
    return None


def _made(kind: type) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.preprocessing import StandardScaler
    from sklearn.tree import DecisionTreeClassifier

    given: dict[str, Any] = {
        "estimator": Ridge() if "Regressor" in kind.__name__ or kind.__name__ == "RegressorChain" else
        LogisticRegression(),
        "base_estimator": LogisticRegression(),
        "estimators": [("a", Ridge() if "Regressor" in kind.__name__ else LogisticRegression())],
        "transformers": [("s", StandardScaler(), [0, 1])],
        "transformer_list": [("s", StandardScaler())],
        "steps": [("s", StandardScaler()), ("t", DecisionTreeClassifier(max_depth=2))],
        "param_grid": {"C": [0.1, 1.0]},
        "param_distributions": {"C": [0.1, 1.0]},
        "dictionary": np.eye(4),
        "mean_fn": None,
    }  # fmt: skip
    small = {"n_estimators": 3, "max_iter": 20, "n_components": 2, "n_iter": 2, "verbose": -1, "n_jobs": 1}
    known = inspect.signature(kind).parameters
    needed = {name: given[name] for name, one in known.items() if one.default is one.empty and name in given}
    asked = {name: value for name, value in small.items() if name in known and name != "verbose"}
    if kind.__module__.startswith("lightgbm"):
        asked["verbose"] = -1
    if "Search" in kind.__name__:
        asked.pop("n_iter", None)
    return kind(**needed, **asked)


def _data() -> Iterator[tuple[Any, ...]]:
    chance = np.random.default_rng(0)
    table = chance.normal(size=(_ROWS, 4))
    classes, numbers = np.arange(_ROWS) % 2, table @ [1.0, 2.0, 0.5, -1.0]
    yield table, classes
    yield table, numbers
    yield np.abs(table), classes
    yield np.abs(table), np.abs(numbers) + 1
    yield (table,)
    yield table, np.stack([classes, 1 - classes], axis=1)
    yield table, np.stack([numbers, -numbers], axis=1)
    yield (list(_TEXTS),)
    yield ([{"a": 1, "b": "x"}, {"a": 2}],)
    yield table[:, 0], numbers
    yield (classes,)
    yield ([["a", "b"], ["b"]],)


def _pipelines() -> Iterator[tuple[str, Any]]:
    """Yield what people keep: text classifiers, tables of mixed columns, searches, ensembles of ensembles."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
    from sklearn.decomposition import TruncatedSVD
    from sklearn.ensemble import RandomForestClassifier, StackingClassifier, VotingClassifier
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
    from sklearn.svm import LinearSVC

    table, classes = next(_data())
    mixed = np.array([[number, "ab"[row % 2]] for row, number in enumerate(table[:, 0])], dtype=object)
    columns = ColumnTransformer([("n", StandardScaler(), [0]), ("c", OneHotEncoder(), [1])])
    trees = RandomForestClassifier(3)
    parts = [("t", trees), ("l", LogisticRegression())]
    numbers: dict[str, Any] = {
        "grid search": GridSearchCV(trees, {"max_depth": [1, 2]}, cv=StratifiedKFold(2)),
        "stacking": StackingClassifier(parts, cv=2),
        "voting": VotingClassifier(parts),
        "calibrated": CalibratedClassifierCV(LinearSVC(), cv=2),
        "logarithm": make_pipeline(FunctionTransformer(np.abs), LogisticRegression()),
        "target": TransformedTargetRegressor(Ridge(), func=np.log1p, inverse_func=np.expm1),
    }
    texts: dict[str, Any] = {
        "tfidf and a line": make_pipeline(TfidfVectorizer(stop_words="english"), LogisticRegression()),
        "tfidf of letters": make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), LinearSVC()),
        "counts and bayes": make_pipeline(CountVectorizer(), MultinomialNB()),
        "hashes": make_pipeline(HashingVectorizer(n_features=64), SGDClassifier()),
        "topics": make_pipeline(TfidfVectorizer(), TruncatedSVD(2), LogisticRegression()),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, one in numbers.items():
            yield name, one.fit(table, classes)
        for name, one in texts.items():
            yield name, one.fit(list(_TEXTS), classes)
        yield "mixed columns", make_pipeline(columns, LogisticRegression()).fit(mixed, classes)
