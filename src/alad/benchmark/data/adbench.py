"""Twenty-two tables of ADBench (Han et al., NeurIPS 2022), each an archive of `X` and `y`."""

from pathlib import Path

import numpy as np

from alad.benchmark.data.official import OfficialFile, locate
from alad.benchmark.data.splits import Split, check_choice, half_of_normal
from alad.errors import InputError

FOLDER = "adbench/classical"
SITE = "https://github.com/Minqi824/ADBench"

# File -> sha256 of the copy that was measured (ADBench publishes none).
CHECKSUMS = {
    "2_annthyroid": "e738f7c58a8740d2c4aac4c71ff49ce5e1d1aa16f44178135fc9c09df05fad1b",
    "4_breastw": "4f37ce07dbc25ddad8178fdc6d664ab46d2d0000ee28c2787c3c7ff3c03ef9f6",
    "5_campaign": "74dd4d0072d6c6f1aabab63bc102f9633454f32bb936fa9bcfbd38f9f2386bcd",
    "6_cardio": "bc5009bde6930b4d298b594f31b34485a9a17210cff0e8fb00a8c3068b885a2d",
    "10_cover": "945a097c3542ae81a551bf1c06dcad78a755d94f84fcaf1d60687e42d1a656df",
    "12_fault": "ec27301f9a4cf7c5d8b22c360cf37ddb043b7fb062465723dfd8b34e2771e5dd",
    "14_glass": "aa7a8db1d475ba01a10488af454bc15220a3d5951b010b03b7020567d8152cdc",
    "18_Ionosphere": "bca46cb0cfd1bf9ddef6cde5ad2215d54fb0189508d0d4c4eb98e788cad69001",
    "19_landsat": "ba17e2158c07469597b89db49d3982c874c6b713ff6670721ddc88969da77987",
    "20_letter": "f986d3da80cf1fa2aea83a5ebe73b7d4800e0d4c01fdd1ae074b58d20f10d039",
    "23_mammography": "a0308ac9712d78321073b1c2dc98dc37665c0f35c1cc33019416fe8f8d7de7ea",
    "24_mnist": "be7706272325fdd3592c1be555ae1a82f916a2f8545f4f8cbaa548ab102cc44c",
    "27_PageBlocks": "10a9b4d5bb5d3b9083caab4c4062f665610eada703c3d927bf7c34b1f2d0d223",
    "29_Pima": "215454bb263a2f040945c9ea7bd7f06f1e89a61a3143bdb6f196e3887e801a7d",
    "30_satellite": "1f048f5686f1b8c16a227fdfa3c81a62cd9a92715714a6b24c69b1c5ad96b46e",
    "32_shuttle": "26900b0f6be45d9ddb7a402c9b2f956ceda42d23a8ca4cf4406b8bc1352823d1",
    "35_SpamBase": "d0c46c7928e43f6496bcd06e09de0b70f6bc8143792dfa0a43f450263d254e9b",
    "38_thyroid": "8de161b3f235b7647bb0b39a836d983ff61d67bf234edac461da2d71e889cb87",
    "40_vowels": "4bfc4244d1c882773bbbc50d4a5db5e52276e53506e46b2d45e02d074cfcb1b6",
    "43_WDBC": "78d4606a1ab516f5b60b00c196497f3bbd6bd5e4548fd04cf5f2475209b34b85",
    "44_Wilt": "c70b72aa611ec87b20efb400943ef3ce4f8bf7aa58fcef825fbd28cc5cee3cc9",
    "45_wine": "d5ad8965d92cc57122fe1e6572bb301adbaf795b3e166d187ae00a704d8f6e20",
}
STEMS = {stem.partition("_")[2].lower(): stem for stem in CHECKSUMS}  # by their published names


def official_file(name: str) -> OfficialFile:
    """Describe the file of one table. Raises InputError if there is no table of this name."""
    if name not in STEMS:
        raise InputError(f"ADBench has no table {name!r} here; choose one of: {', '.join(STEMS)}")
    stem = STEMS[name]
    url = f"{SITE}/raw/main/adbench/datasets/Classical/{stem}.npz"
    return OfficialFile(f"{FOLDER}/{stem}.npz", CHECKSUMS[stem], (url,), SITE)


def read_adbench(name: str, data_dir: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read one table, in the file's order; -> X float32 [rows, columns], anomalous bool [rows]."""
    with np.load(locate(official_file(name), data_dir), allow_pickle=False) as content:
        return content["X"].astype(np.float32), content["y"] == 1


# --- one-class: half of the normal rows to learn from, all others to score ------------------------

FEW_ROWS, MANY_ROWS = 1_000, 50_000  # the published protocol draws tables outside of these anew
SMALL = ("breastw", "glass", "ionosphere", "pima", "wdbc", "wine")  # of ADBench's
REDRAWN = (*SMALL, "cover")


def adbench(
    name: str, protocol: str = "random", seed: int = 0, data_dir: str | Path | None = None
) -> Split:
    """Split one table; as many test rows are flagged as are anomalies, as in the published F1.

    random: a random half of the normal rows to learn from, all others to score.
    published: the first half in the file's order, as in Livernoche et al., ICLR 2024. Tables of
      fewer than 1,000 rows are resampled with replacement to 1,000, so that rows learnt from are
      also scored; of more than 50,000 rows so many are drawn in random order. (The paper does not
      say so; with it the published k-NN of `cover` comes out, 97.5, and without it 91.3.)
    """
    check_choice(protocol, ("random", "published"), "adbench")
    rows, anomalous = read_adbench(name, data_dir)
    if protocol == "published":
        drawn, count = np.random.RandomState(seed), len(rows)
        if count < FEW_ROWS:
            chosen = drawn.choice(count, FEW_ROWS, replace=True)
        elif count > MANY_ROWS:
            chosen = drawn.choice(count, MANY_ROWS, replace=False)
        else:
            chosen = np.arange(count)
        rows, anomalous = rows[chosen], anomalous[chosen]
    train = half_of_normal(anomalous, seed if protocol == "random" else None)
    test = np.setdiff1d(np.arange(len(rows)), train)
    percentile = 100 * (1 - float(anomalous[test].mean()))
    return Split(rows[train], rows[test], anomalous[test], percentile)
