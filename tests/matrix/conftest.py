"""The independently gathered facts that the shipped data are compared with, where a checkout has them beside it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@pytest.fixture
def shared_facts() -> Callable[..., Any]:
    """Read a YAML file of the folder `shared` beside the repository, or skip the test if it is not there."""

    def load(*parts: str) -> Any:
        path = SHARED.joinpath(*parts)
        if not path.is_file():
            pytest.skip(f"nothing to compare with beside the repository: shared/{'/'.join(parts)}")
        return yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))

    return load
