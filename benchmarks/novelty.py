"""Compare k-NN with and without `novelty` by AUROC on ADBench: `python benchmarks/novelty.py`.

The other benchmarks do without it; this says what the default does. A random half of the normal
rows of each table is learnt, seed 0.
"""

import warnings

import alad
from alad import metrics
from alad.benchmark.data.adbench import STEMS, adbench


def main() -> None:
    differences = []
    for name in sorted(STEMS):
        split = adbench(name)
        if len(split.train) > 60_000:
            continue
        found = []
        for novelty in (False, True):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                scores = (
                    alad.KNN(novelty=novelty, random_state=0)
                    .fit(split.train)
                    .anomaly_score(split.test)
                )
            found.append(100 * metrics.auroc(scores, split.test_anomalous))
        without, with_it = found
        differences.append(with_it - without)
        if without != with_it:
            print(f"{name:20} {without:6.2f} {with_it:6.2f}", flush=True)
    changed = sum(difference != 0 for difference in differences)
    mean = sum(differences) / len(differences)
    print(f"{changed} of {len(differences)} tables changed; mean change {mean:+.2f} points")


if __name__ == "__main__":
    main()
