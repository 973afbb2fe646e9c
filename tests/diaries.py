"""For folders whose tests live through diaries: one database for all of them, and a service that says nothing."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
import structlog

from selftimer.ruletests.stage import Ground

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ground", "silence"]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    with Ground() as one:
        yield one
