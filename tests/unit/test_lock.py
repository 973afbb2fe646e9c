"""The lock installs with any pip that `make` may meet, whatever is newest at the registry that day."""

import importlib.metadata
import re
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def pinned(lock: Path) -> dict[str, set[str]]:
    """Each name in a lock with the extras that it stands there with."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[([^]]*)\])?==", lock.read_text(), re.MULTILINE)
    return {name.lower(): set(filter(None, extras.split(","))) for name, extras in found}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_package_that_another_asks_for_with_an_extra_is_locked_with_it(name: str) -> None:
    # pip 23 looks for `coverage[toml]` among all versions where only `coverage==1` is pinned, and then misses its hash.
    lock = pinned(ROOT / name)
    assert lock
    missing = []
    for package in lock:
        try:
            asked = [Requirement(text) for text in importlib.metadata.requires(package) or ()]
        except importlib.metadata.PackageNotFoundError:
            continue  # for another machine
        for need in asked:
            applies = need.marker is None or need.marker.evaluate({"extra": ""})
            if applies and not need.extras <= lock.get(need.name.lower(), set()):
                missing.append(f"{package} needs {need}")
    assert not missing
