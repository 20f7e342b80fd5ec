"""Reasons why numbers measured here differ from the published ones, by benchmark and row."""

from alad.benchmark.rows import published_as

COPIED = (
    "the ALAD paper copied this number from the DAGMM paper, where it is a mean over 20 random "
    "halves and not of the authors' one"
)
TUNED = (
    "there the settings were found by exhaustive search; here a rule sets them that sees no "
    "labels (ν = 0.5, the kernel's width from the variance of the rows)"
)
FEW_ANOMALIES = (
    "32 anomalies are scored: one of them more or less found moves F1 by 0.03, and this difference "
    "is of fewer than three"
)
CONTAMINATED = (
    "the paper's protocol leaves 34 anomalies among the 226 training rows, and a network trained "
    "long enough learns them too: this row is better before its training, and with a training half "
    "of normal rows only (protocol “clean”)"
)
ALADS_SETTINGS = (
    "the published code trains on unscaled rows for 100 epochs at a learning rate of 1e-5; this "
    "row has scaled rows and 5,000 steps at 1e-3. The row alad-paper has the published settings"
)
ALADS_SETTINGS_ARRHYTHMIA = (
    "the published code trains on unscaled rows at a learning rate of 1e-5; this row has the ranks "
    "of the rows' values, chosen on other divisions of the same rows, and a rate of 1e-3. "
    "The row alad-paper has the published settings"
)
NO_SPREAD = "no spread was published; ours is over seeds on the authors' one split"
NO_SN = (
    "the authors' released code has no SN in its networks for tables, so the published row cannot "
    "come from it"
)
DSEBM_SETTINGS = (
    "the energy and its loss are those of the DSEBM paper, the widths those of the ALAD authors' "
    "code; 2,000 steps of 64 standardised rows are one setting for all of our rows, not tuned for "
    "this one; which ones the DAGMM paper's DSEBM had is not known here"
)
DAGMM_SETTINGS = (
    "networks and loss are those of the DAGMM paper; this row has 2,000 steps of 256 rows at a "
    "rate of 1e-3, where the paper trains for 200 epochs on KDD99 and 10,000 on Arrhythmia at 1e-4 "
    "(the row dagmm-paper does)"
)
DROPS_KINDS = (
    "trained as our ALAD is, the GAN makes only the commonest kinds of normal rows: of held-out "
    "normal rows half come back nearly whole, the rest not at all, and these outrank every anomaly "
    "(benchmarks/anogan_coverage.py). The authors' 396,700 steps were not run for it"
)
ANOGAN_SETTINGS = (
    "the ALAD authors' code gives 0.9 of the loss to the discriminator's features (the AnoGAN "
    "paper, and we, 0.1) and searches at a rate of 1e-3 on unscaled rows; we search at 0.01, with "
    "the ranks of the rows' values. Before its training our GAN is at about the same F1"
)
BY_CHANCE = (
    "the published number is that of chance: flagging 15 % of these rows at random makes an F1 of "
    "0.146 on average"
)
OWN_TRAINING = "settings are those of the DAGMM paper, which does not tell how it scaled the rows"

SCALING = (
    "how columns are scaled decides here, and was chosen by F1 on other divisions of the same rows "
    "than the benchmark's: 0.13 with standardised columns, whose odd rows are long so that their "
    "error is divided by a large length, and 0.48 with columns between their extremes, DAGMM's "
    "usual scaling now (benchmarks/mixture_scaling.py)"
)

# (benchmark, row) -> reasons; a row of the quick pass has those of its benchmark, and REDUCED
REASONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("kdd99", "isolation-forest"): (NO_SPREAD,),
    ("kdd99", "oc-svm"): (COPIED, TUNED),
    ("kdd99", "oc-svm-sgd"): (COPIED, TUNED),
    ("kdd99", "dsebm-r"): (COPIED, DSEBM_SETTINGS),
    ("kdd99", "dsebm-e"): (COPIED, DSEBM_SETTINGS),
    ("kdd99", "dagmm"): (COPIED, DAGMM_SETTINGS),
    ("kdd99", "dagmm-paper"): (COPIED, OWN_TRAINING),
    ("kdd99", "anogan"): (DROPS_KINDS,),
    ("kdd99", "alad"): (ALADS_SETTINGS,),
    ("kdd99", "alad-baseline"): (ALADS_SETTINGS,),
    ("kdd99", "alad+dl"): (ALADS_SETTINGS,),
    ("kdd99", "alad+sn"): (ALADS_SETTINGS, NO_SN),
    ("kdd99", "alad+sn+dl"): (ALADS_SETTINGS, NO_SN),
    ("kdd99", "alad-paper"): (
        "the published settings; z drawn anew and another order of batches are all that differs",
    ),
    ("arrhythmia", "isolation-forest"): (FEW_ANOMALIES,),
    ("arrhythmia", "oc-svm"): (COPIED, TUNED, FEW_ANOMALIES),
    ("arrhythmia", "oc-svm-sgd"): (COPIED, TUNED, FEW_ANOMALIES),
    ("arrhythmia", "dsebm-r"): (COPIED, BY_CHANCE),
    ("arrhythmia", "dsebm-e"): (COPIED, FEW_ANOMALIES),
    ("arrhythmia", "dagmm"): (COPIED, DAGMM_SETTINGS, SCALING, FEW_ANOMALIES),
    ("arrhythmia", "dagmm-paper"): (COPIED, OWN_TRAINING, SCALING, FEW_ANOMALIES),
    ("arrhythmia", "anogan"): (ANOGAN_SETTINGS, FEW_ANOMALIES),
    ("arrhythmia", "alad"): (CONTAMINATED, ALADS_SETTINGS_ARRHYTHMIA),
    ("arrhythmia", "alad-paper"): (FEW_ANOMALIES,),
}
REDUCED = "a quick pass: fewer rows, runs and steps"


def reasons(benchmark: str, row: str) -> tuple[str, ...]:
    """List the reasons why a row differs from the published one."""
    whole = published_as(benchmark)
    why = REASONS.get((whole, row), ())
    return (REDUCED, *why) if whole != benchmark else why
