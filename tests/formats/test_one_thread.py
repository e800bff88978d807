import sys
from types import ModuleType

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from caponier.formats import one_thread as module
from caponier.formats.one_thread import one_thread


def threads() -> set[int]:
    """Return how many threads the linear algebra has now."""
    assert np.eye(2).sum()
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}


def test_a_block_has_one_thread_and_what_was_before_comes_back() -> None:
    with threadpool_limits(2, user_api="blas"):
        with one_thread():
            assert threads() == {1}
        assert threads() == {2}
        with pytest.raises(ZeroDivisionError), one_thread():
            _ = 1 / 0
        assert threads() == {2}


def test_blocks_lie_within_each_other() -> None:
    with threadpool_limits(2, user_api="blas"):
        with one_thread():
            with one_thread():
                assert threads() == {1}
            assert threads() == {1}
        assert threads() == {2}


def test_openmp_is_limited_where_that_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    class Watched(ThreadpoolController):
        def limit(self, *, limits: int, user_api: str | None) -> object:
            asked.append(user_api)
            return super().limit(limits=limits, user_api=user_api)

    monkeypatch.setattr(module, "_libraries", lambda _: Watched())
    with one_thread(), one_thread(openmp=True):
        assert asked == ["blas", None]


def test_libraries_are_looked_for_only_where_some_may_have_come(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[ThreadpoolController] = []

    def look() -> ThreadpoolController:
        looked.append(ThreadpoolController())
        return looked[-1]

    monkeypatch.setattr(module, "ThreadpoolController", look)
    module._libraries.cache_clear()
    for _ in range(3):
        with one_thread():
            pass
    assert len(looked) == 1
    monkeypatch.setitem(sys.modules, "a_module_that_may_bring_a_library", ModuleType("a_module"))
    with one_thread():
        pass
    assert len(looked) == 2
    module._libraries.cache_clear()
