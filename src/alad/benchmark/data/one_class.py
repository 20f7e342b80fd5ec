"""One-class tables: the 22 of ADBench, and 41 more built by a written rule from UCI and OpenML.

Their README says of each what is normal, by class sizes or a target's deciles, chosen before any
detector saw it. Text categories are integer codes, missing numbers medians: weak, on purpose the
same for all detectors.
"""

from pathlib import Path

import numpy as np

from alad.benchmark.data.adbench import STEMS, adbench, read_adbench
from alad.benchmark.data.official import OfficialFile, locate
from alad.benchmark.data.splits import Split, check_choice, fewer, half_of_normal

MOST_TRAINING_ROWS, MOST_TEST_ROWS = 3_000, 10_000  # of a random half
HOME = "those who built these tables (others: --dataset)"

CHECKSUMS = {  # file -> sha256
    "abalone": "7db84a88aedd9440dae0ccff90b742a5d919f9989ce95255b7c86e0df25a6e3a",
    "adult": "0e34401011a3effd1b6058d645a3fad6bbbd94237e7366d7920ddd5b1d088ba8",
    "anneal": "bd29138f138417d51c8d356377ce8cdcc1744cf6174d9c3f0ce831f01ce89a0c",
    "bankruptcy_5year": "03487df20db4c0e93d0aef15432563c73528ad25de3b8b2d406cd452f1db1207",
    "cal_housing": "708aa4f86fc474518b4d682326027819a1231f1e96aed6d973918b0ea55fdaf3",
    "car": "2e746118e14c3a8e6629b233ce0d5e8af7eaa9a41bed66d7385b0c1d0bc0678f",
    "credit_g": "6880e9dcdad829d0984720eaf5ba083976cd654b208733bab5a2a78ef10faf1d",
    "default_credit": "172c0fe27c960e2e41a9f0d3e1e0d496d391d9665bc649c3315331086fbe457f",
    "dry_bean": "534009bb0b35ba67f87a9138b67451409cb0d0ee6c7c5d780277817c8b4c43d4",
    "eeg_eye_state": "1779bc2441254f0ed7ca7e1c721ebfe98bfedc60f7b7e1422a819fd903b5b147",
    "electricity": "718ee28bbc64d9b8483d23036db2fec70fe089586772e8c169a115cdaae335b0",
    "firewall": "7ab99316c118358902f20e6e56cc784df319f3cf62ac236d21c5eb72e91a67c4",
    "frogs_mfcc": "eac94b9a1c4e93fc124eaf5f90a8ab4c38f6c0817a2ab602b3b0c9869ca52002",
    "gas_concentration": "6af69a77303543a8a5fa6dacbed701170950408f0091cf7f83f2fd330dba00d5",
    "grid_stability": "081bff025b35d511d168c5c11dc402187c2a900a74aa4889d5a887491ed28f9b",
    "heart_disease": "00957f91da2ea11fd04f2f3d445660521c9824aa24fe22a232911e6e460a090d",
    "hill_valley": "83bfd1e83eb4abbb814da5a81014d099ac00636ac5895db26147a3958cf2a8e2",
    "htru2_pulsar": "f2abf4e0bb1fc23b95aaa47212a5c345b01c003d2680ea20ff7b2024b97a5d4a",
    "jm1_defects": "45c003efcf6d80a7b3ef75e2ba8782da5621888db7e3fca4efea78966f07bb6d",
    "kr_vs_kp": "7d3135c78eb8b40af833af418191f92999fd70b2552cbfdf552a95d74ccfeb5e",
    "messidor": "b22cf97e94b464f30f65ecdd6ef80fbfc30d92279ecaa1aee6af2971da6c98c7",
    "mfeat_karhunen": "eb02b89f2243af2492feff90109e6c7826781ac3469988d671dbd07fae8a091d",
    "mfeat_morphological": "b33fd33d9873643241a2e5ea13fba4048d4475d6402897b85c1bf6de0e454cb2",
    "mfeat_zernike": "3dafcbb7c4852de00330c59a0f3fa74ffe93bbe7e922a83be60ab99df9df40fd",
    "mushroom": "7fcbb87ed65e7fd085079698ff0577a324df3a72ff8205e6fa61c3a967631b03",
    "nursery": "9e68a39dcd6945cbce9c41f98f334755d6c8f0c27083905af14f9290c5026a6a",
    "occupancy": "1cf94e2c8252f21da278caa29fdfe7e3361de5bf45d4e6f92a78607429a64cdd",
    "online_shoppers": "cb813d34cca4d6d878a5b9aa9a6a30962171b2024756f5c3061b7fce71788cf1",
    "ozone_eighthr": "a8ae60b780f8a83116d154bca35bdb206bbe21743edb8e703a61dbbd8510e22d",
    "parkinsons_tele": "9c6618f86eda90b358e8f2197dc0f06024329758113da31ffa65b1ca7781f780",
    "phoneme": "485aeb7bc5f1324484a03a701fbf5718fabd44ddd84a98c8bce4353e59bd7b41",
    "plants_texture": "e472160e3a12a80d65f551c044b9a340402cb05803cc4578677fb40a79d25143",
    "protein": "a16134b09b4b3cce41704facc703ad306179d665fa2cf3b25da720897fd9edad",
    "qsar_biodeg": "fb5ae260b02559feb0fa9005529037a6eb1921ade26084847be1981a0e2ad367",
    "rice": "2ff49a4718bed5557cd4532892b1305c3a25818840781c5d94b790e4fb043747",
    "robot_navigation": "084645b0132e0c34ad9ce5bfe2848a7836205ccff71d388d51d85c81feb15d2d",
    "segment": "01c8ac70a18f2dd92739795b636815115f2f14c1ed41a5b65e557252c66fd404",
    "splice": "1ab0bae297fd80144131b33b6526434cc50ce9959d0c63a6e7202a6c430eb65d",
    "theorem_proving": "be3e7b8be19781ec81c419e788087bb6f65fff324dd3869dcc871756eb04ce7a",
    "vehicle": "abb838751f6c063ba78cfb2a826c99296ab0228e59d7be35dd6bce113786d6ad",
    "winequality_white": "5d3bb89808754d6f5f8662a6e026388ad077e7b1f1dc7288302165cf7e933373",
}
TABLES = (*STEMS, *CHECKSUMS)


def read_one_class(name: str, data_dir: str | Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Read one table, in the file's order; -> X float32 [rows, columns], anomalous bool [rows]."""
    if name in STEMS:
        return read_adbench(name, data_dir)
    check_choice(name, TABLES, "one-class", "dataset")
    file = OfficialFile(f"one_class/{name}.npz", CHECKSUMS[name], home=HOME)
    with np.load(locate(file, data_dir), allow_pickle=False) as content:
        return content["X"].astype(np.float32), content["y"] == 1


def one_class(
    name: str, protocol: str = "random", seed: int = 0, data_dir: str | Path | None = None
) -> Split:
    """Split one table; as many test rows are flagged as are anomalies.

    random: a random half of the normal rows to learn from, all others to score; of each at most so
      many rows as above.
    published: of ADBench's tables the first half in the file's order, as `adbench` has it.
    """
    check_choice(protocol, ("random", "published"), "one-class")
    if protocol == "published":
        return adbench(name, protocol, seed, data_dir)
    rows, anomalous = read_one_class(name, data_dir)
    train = half_of_normal(anomalous, seed)
    test = np.setdiff1d(np.arange(len(rows)), train)
    percentile = 100 * (1 - float(anomalous[test].mean()))
    split = Split(rows[train], rows[test], anomalous[test], percentile)
    return fewer(split, MOST_TRAINING_ROWS, MOST_TEST_ROWS)
