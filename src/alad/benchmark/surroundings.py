"""The machine that a time depends on, without names or paths that tell whose it is."""

import os
import platform
from functools import lru_cache
from pathlib import Path
from typing import Any


def machine(device: str = "cpu") -> dict[str, Any]:
    """Cores that may be used, memory in GiB, kind of processor, and of an accelerator in use."""
    found: dict[str, Any] = {
        "cores": cores(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "memory_gib": _memory_gib(),
        "cpu": _processor(),
        "system": platform.system(),
    }
    return {**found, "accelerator": _accelerator()} if str(device) != "cpu" else found


def cores() -> int:
    """Processor cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return None


@lru_cache(maxsize=1)
def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _accelerator() -> str | None:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
