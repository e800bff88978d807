import _compat_pickle
import importlib
import pickle
from importlib.util import find_spec

import pytest

from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, canonical, shipped
from caponier.detect.model_files.pickles.values import Global

RULES = shipped()


def test_no_allowed_name_becomes_another_one_on_the_way() -> None:
    """Unpicklers translate names of Python 2; if one of ours were translated, something else would be loaded."""
    for what in RULES.allowed:
        assert (what.module, what.name) not in _compat_pickle.NAME_MAPPING or what.module == "__builtin__"
        assert what.module not in _compat_pickle.IMPORT_MAPPING


def test_nothing_is_both_allowed_and_dangerous() -> None:
    """Some modules have plain values, or what makes them, beside what reaches files or makes code."""
    both = {what.module for what in RULES.allowed if RULES._is_dangerous(what)}
    clouds = {"cloudpickle.cloudpickle", "joblib.externals.cloudpickle.cloudpickle"}
    told = {"_io", "dill._dill", "http", "inspect", "logging", "pathlib", "pathlib._local", "torch.jit._pickle"}
    assert both == told | clouds | {"types", "uuid"}
    assert not {str(what) for what in RULES.allowed} & RULES.dangerous_names
    assert not set(RULES.allowed) & set(RULES.unclear)


def test_every_check_is_about_something_allowed() -> None:
    assert [str(what) for what in RULES.checks if what not in RULES.allowed] == []


def test_no_allowed_name_reaches_through_another_one() -> None:
    """Except for what may be taken of a class by name, and called."""
    taken = {f"{what.name}.{name}" for what, names in RULES.attributes.items() for name in names}
    assert {what.name for what in RULES.allowed if "." in what.name} == taken


@pytest.mark.parametrize(
    ("module", "name", "role", "standing"),
    [
        ("collections", "OrderedDict", GlobalRole.CALL, AllowLevel.ALLOWED),
        ("numpy", "log1p", GlobalRole.NAME, AllowLevel.ALLOWED),
        ("numpy", "log1p", GlobalRole.CALL, AllowLevel.UNLISTED),
        ("sklearn.svm._classes", "SVC", GlobalRole.BUILD, AllowLevel.ALLOWED),
        ("sklearn.svm._classes", "SVC", GlobalRole.CALL, AllowLevel.UNLISTED),
        ("os", "system", GlobalRole.CALL, AllowLevel.DANGEROUS),
        ("os.path", "join", GlobalRole.NAME, AllowLevel.DANGEROUS),
        ("ossify", "system", GlobalRole.CALL, AllowLevel.UNLISTED),
        ("builtins", "eval", GlobalRole.NAME, AllowLevel.DANGEROUS),
        ("builtins", "print", GlobalRole.CALL, AllowLevel.UNLISTED),
        ("joblib.numpy_pickle", "NDArrayWrapper", GlobalRole.NEW, AllowLevel.UNCLEAR),
    ],
)
def test_the_standing_depends_on_the_role(module: str, name: str, role: GlobalRole, standing: AllowLevel) -> None:
    assert RULES.standing(Global(module, name), role) is standing


def test_functions_are_told_from_classes() -> None:
    functions = {str(what) for what in RULES.functions}
    assert {"torch.storage._load_from_bytes", "_codecs.encode", "copyreg._reconstructor"} <= functions
    assert not {"collections.OrderedDict", "builtins.dict", "datetime.datetime", "numpy.dtype"} & functions


@pytest.mark.filterwarnings("ignore:numpy.core.records is deprecated")
@pytest.mark.parametrize("library", ["builtins", "collections", "copyreg", "datetime", "decimal", "numpy", "sklearn"])
def test_allowed_classes_are_what_they_seem(library: str) -> None:
    """Whatever has a class's role and is there, is a class; whatever is a function has no other role than call."""
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    seen = 0
    for what, roles in RULES.allowed.items():
        if what.module.split(".")[0] != library or not roles & {GlobalRole.NEW, GlobalRole.ITEMS}:
            continue
        try:
            thing = getattr(importlib.import_module(what.module), what.name)
        except (ImportError, AttributeError):
            continue  # a home of this class in another version
        assert isinstance(thing, type), what
        seen += 1
    assert seen or library in ("copyreg", "datetime", "decimal")


def test_no_allowed_class_is_a_loader() -> None:
    """An object that is an unpickler, a file or a process would be no data."""
    for what in RULES.allowed:
        assert not any(word in what.name.lower() for word in ("unpickler", "loader", "popen", "file")), what
    assert pickle.Unpickler.__name__ not in {what.name for what in RULES.allowed}


def test_old_names_are_made_new() -> None:
    assert canonical("copy_reg", "_reconstructor") == Global("copyreg", "_reconstructor")
    assert canonical("numpy", "dtype") == Global("numpy", "dtype")
