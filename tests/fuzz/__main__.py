"""Run cases by hand and print the counts; exit status 1 if there is a fault."""

import argparse
import sys
import time
from collections import Counter
from random import Random

from .cases import KINDS, SHARES, Fuzzer, Outcome


def main() -> int:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS), help="of cases, with commas between")
    parser.add_argument("--only", help="one case again, such as table:0:17")
    parser.add_argument("--refusals", type=int, default=0, help="print so many usual refusals")
    given = parser.parse_args()
    fuzzer = Fuzzer()
    try:
        if given.only:
            kind, seed, number = given.only.split(":")
            outcome = fuzzer.case(kind, int(seed), int(number))
            print(outcome)
            return bool(outcome.faults)
        return bool(_many(fuzzer, given))
    finally:
        fuzzer.close()


def plan(kinds: list[str], cases: int, seed: int) -> list[tuple[str, int, int]]:
    """List cases (kind, seed, number) in the kinds' shares."""
    random = Random(seed)
    chosen = random.choices(kinds, [SHARES[kind] for kind in kinds], k=cases)
    return [(kind, seed, number) for number, kind in enumerate(chosen)]


def _many(fuzzer: Fuzzer, given: argparse.Namespace) -> int:
    began = time.monotonic()
    cases: Counter[str] = Counter()
    statuses: Counter[tuple[str, str, int]] = Counter()
    refusals: Counter[str] = Counter()
    faults = 0
    for kind, seed, number in plan(given.kinds.split(","), given.cases, given.seed):
        outcome = fuzzer.case(kind, seed, number)
        cases[kind] += 1
        refusals.update(outcome.refusals)
        for (verb, status), count in outcome.statuses.items():
            statuses[kind, verb, status] += count
        faults += bool(outcome.faults)
        _print_faults(f"{kind}:{seed}:{number}", outcome)
    print(f"{sum(cases.values())} cases in {time.monotonic() - began:.0f} s: {dict(cases)}")
    for (kind, verb, status), count in sorted(statuses.items()):
        print(f"  {kind:<10}{verb:<12}status {status}: {count}")
    for message, count in refusals.most_common(given.refusals):
        print(f"  {count} × {message}")
    print(f"{faults} cases with a fault")
    return faults


def _print_faults(case: str, outcome: Outcome) -> None:
    for fault in outcome.faults:
        print(f"FAULT {case} {fault}\n      {outcome.words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
