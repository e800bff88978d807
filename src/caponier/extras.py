"""Optional dependencies: one message that tells which extra to install."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from caponier.errors import MissingExtraError

PACKAGES: Final[dict[str, tuple[str, ...]]] = {
    "emulate": ("art", "httpx", "jinja2", "PIL", "scipy", "sklearn", "starlette", "uvicorn"),
    "torch": ("torch",),
    "spark": ("pyspark", "pandas"),
    "logs": ("re2", "sigma"),
    "serve": ("aiohttp", "fastapi"),
    "stix": ("stix2",),
    "postgres": ("psycopg",),
}
"""What each extra lets a program import; a package that two extras bring stands with the first."""


@contextmanager
def needs(extra: str, purpose: str) -> Iterator[None]:
    """Turn a failed import in the block into a message that names the extra.

    Args:
        extra: Name of the extra in `pip install 'caponier[extra]'`.
        purpose: What the user wanted, for the message.

    Raises:
        MissingExtraError: If an import in the block fails.
    """
    try:
        yield
    except ModuleNotFoundError as failed:
        raise _lacking(extra, purpose, failed) from failed


def missing(failed: ModuleNotFoundError, purpose: str = "it") -> MissingExtraError | None:
    """Return the message for a failed import of what an extra brings; None if no extra brings it."""
    top = (failed.name or "").partition(".")[0]
    for extra, packages in PACKAGES.items():
        if top in packages:
            return _lacking(extra, purpose, failed)
    return None


def _lacking(extra: str, purpose: str, failed: ModuleNotFoundError) -> MissingExtraError:
    return MissingExtraError(
        f"{purpose} needs the Python package {failed.name!r}, which is not installed",
        hint=f"Install it with: pip install 'caponier[{extra}]'",
    )
