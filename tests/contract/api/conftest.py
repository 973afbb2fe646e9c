from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.contract.api.kit import Notebook, not_made

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _the_calls_of_the_mark_are_made(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that says which calls it makes has to have made them; the reference's table counts on it."""
    Notebook.made.clear()
    yield
    said = {name for mark in request.node.iter_markers("calls") for name in mark.args}
    if wrong := not_made(said):
        pytest.fail(wrong)
