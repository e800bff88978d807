"""Do the same with several things at once, wherever the cluster has a core for it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from caponier.engines.spark.session import failures_told

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MOST_TASKS: Final = 1_000
T = TypeVar("T")
U = TypeVar("U")


def each(session: "SparkSession", do: Callable[[T], U], things: Sequence[T]) -> list[U]:
    """Return what a function gives for each of some things, in their order.

    Args:
        session: From `session.spark_session`.
        do: Must not mind being asked about a thing again, or twice at once: a worker may be lost, or slow.
        things: Small; what is large lies where all workers see it.

    Raises:
        InputError: If the workers lack what they need.
        CaponierError: If Spark gives up.
    """
    if not things:
        return []
    dealt = session.sparkContext.parallelize(things, min(len(things), MOST_TASKS))
    with failures_told():
        given: list[U] = dealt.map(do).collect()
    return given
