"""Told to Python before httpx and structlog are imported: modules that they look for and we never use aren't there.

httpcore imports `sniffio` some twenty times for a message, and while it isn't installed each time searches the whole
path: a fifth of a message's time. `httpx._main` is httpx's command line, which imports click, rich and pygments.
structlog imports rich for tracebacks that print local variables, which ours never do (`selftimer.log`). Import this
before either of them.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment] # None means "not to be found" (Python's import system)
if "httpx" not in sys.modules:
    sys.modules["httpx._main"] = None  # type: ignore[assignment] # as above
if "structlog" not in sys.modules and "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment] # as above, while structlog asks
    import structlog  # noqa: F401 - so that it has asked

    del sys.modules["rich"]
