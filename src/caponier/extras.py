"""Optional dependencies: one message that tells which extra to install."""

from collections.abc import Iterator
from contextlib import contextmanager

from caponier.errors import MissingExtraError


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
    except ModuleNotFoundError as missing:
        raise MissingExtraError(
            f"{purpose} needs the Python package {missing.name!r}, which is not installed",
            mend=f"Install it with: pip install 'caponier[{extra}]'",
        ) from missing
