"""On what a run was measured. No host name, no user: results may be shown to others."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from contextlib import suppress
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PACKAGES = (
    "httpx",
    "httpcore",
    "h11",
    "jinja2",
    "orjson",
    "pydantic",
    "pysqlite3",
    "sqlalchemy",
    "uvicorn",
    "whenever",
)


def machine() -> dict[str, Any]:
    """Processor, cores and memory."""
    return {
        "cpu": _from_proc("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory_mib": round(int((_from_proc("/proc/meminfo", "MemTotal") or "0 kB").split()[0]) / 1024),
        "system": f"{platform.system()} {platform.release()}",
        "load_at_start": [round(load, 2) for load in os.getloadavg()],
    }


def versions() -> dict[str, str]:
    """Python, the packages that matter, and the commit."""
    installed = {dist.name.lower(): dist.version for dist in distributions()}
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "commit": commit(),
        **{name: installed[name] for name in PACKAGES if name in installed},
    }


def commit() -> str:
    """The checkout's commit, with `+` where files differ from it."""
    said = [_git("rev-parse", "--short", "HEAD") or "unknown", "+" if _git("status", "--porcelain", "src") else ""]
    return "".join(said)


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _from_proc(path: str, name: str) -> str | None:
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), None)


def memory_kib(field: str, pid: int | str = "self") -> int:
    """`VmRSS` (now) or `VmHWM` (the most since `forget_peak`) of a process."""
    text = _from_proc(f"/proc/{pid}/status", field)
    return int(text.split()[0]) if text else 0


class Usage:
    """Seconds, processor seconds of this process, and memory, from where it is made."""

    def __init__(self) -> None:
        with suppress(OSError):  # where the kernel refuses, the peak includes the start, which is smaller
            Path("/proc/self/clear_refs").write_text("5", "utf-8")
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def since(self) -> dict[str, float]:
        """Up to now; `peak_mib` is the most that was resident in between."""
        return {
            "seconds": time.perf_counter() - self._wall,
            "cpu": time.process_time() - self._cpu,
            "peak_mib": memory_kib("VmHWM") / 1024,
            "now_mib": memory_kib("VmRSS") / 1024,
        }
