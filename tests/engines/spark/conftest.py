"""A real cluster: a master and two workers on loopback, for tests that `scripts/test --spark` alone runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from bench.machinery.cluster.loopback import Cluster, cluster, spark_python

from caponier.errors import InputError

HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave a cluster out of runs that do not ask for one: starting it takes longer than most tests together."""
    if "spark" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.skip(reason="runs a Spark cluster; see scripts/test --spark"))


@pytest.fixture(scope="session")
def python() -> Path:
    """PySpark's own interpreter."""
    try:
        return spark_python()
    except InputError as lacking:
        pytest.skip(" ".join(str(lacking).split()))


@pytest.fixture
def two_workers(python: Path) -> Iterator[Cluster]:
    """A master and two workers of one core."""
    with cluster(workers=2) as running:
        yield running
