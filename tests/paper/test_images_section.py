"""The paper's page on images: what is there, what is lacking, and nothing trained for it."""

import pytest

from alad import paper
from alad.benchmark.class_rows import class_rows
from alad.benchmark.data.image_sets import svhn_files
from alad.benchmark.data.image_splits import CLASSES
from alad.benchmark.data.official import is_there
from alad.benchmark.results_file import ResultsFile
from alad.benchmark.rows import rows_of
from alad.paper import times_section
from alad.paper.images_section import images, lacking
from alad.paper.plan import FULL, QUICK, Plan

SCORES = {"features": 0.6, "logits": 0.5, "l1": 0.65, "l2": 0.62}


def line(detector: str, normal_class: str, auroc: float = 0.6, **more) -> dict:
    return {
        **{"benchmark": "cifar10", "protocol": "paper", "detector": detector, "seed": 0},
        **{"normal_class": normal_class, "dataset": normal_class, "auroc": auroc, "member": 0},
        **{"settings": "a", "cell": f"{detector}{normal_class}", "cell_lines": 1},
        **{"split": 42, "config": {"architecture": None, "max_steps": 2_000}},
        **{"machine": {"cores": 2, "cpu": "a CPU", "system": "Linux"}, **more},
    }


def of(detector: str, classes, **more) -> list[dict]:
    return [line(detector, each, **more) for each in classes]


LINES = [
    *of("alad", ("frog", "ship"), auroc_by_score=SCORES),
    *of("alad", ("deer",)),
    *of("alad+dl", ("frog", "ship"), auroc=0.5),
    *of("knn", CLASSES["cifar10"], config={"neighbours": 5}),
]


def test_every_part_has_its_section_with_the_published_numbers():
    found = {one.title: one for one in images({"cifar10": LINES})}
    whole = "cifar10, protocol paper"
    assert list(found) == [
        whole,
        *(f"{whole}, {part}" for part in ("class by class", "ablation", "scores of one training")),
    ]
    means = found[whole].markdown()
    assert "| alad | 3 of 10 | 1 | 32 channels, 2,000 steps | 0.6000" in means
    assert "| knn | 10 | 1 |  | 0.6000" in means
    assert "trains nothing on images" in means and "128 channels" in means
    assert "| alad+dl | Baseline + DL | 2 of 10 |" in found[f"{whole}, ablation"].markdown()
    scores = found[f"{whole}, scores of one training"].markdown()
    assert "| alad | l1 | 2 of 10 | 0.6500 ± 0.0000 | 0.6066 ± 0.1006 |" in scores


def test_drawings_put_the_published_classes_beside_ours():
    sections = images({"cifar10": LINES})
    drawn = {c.title: c for one in sections for block in one.blocks for c in block.charts()}
    told = drawn["AUROC by normal class, alad, cifar10, protocol paper"].description
    assert "frog: measured here 0.600, published 0.776." in told
    assert "truck: published 0.418." in told
    means = drawn["AUROC by detector, cifar10, protocol paper"].description
    same = (0.776 + 0.761 + 0.666) / 3
    assert f"alad: measured here 0.600, published {same:.3f}." in means
    assert "anogan: published 0.595." in means and "knn: measured here 0.600." in means
    assert "alad+sn: published 0.599." in drawn["Ablation, cifar10, protocol paper"].description
    by_score = drawn["AUROC by score, alad, cifar10, protocol paper"].description
    assert "logits: measured here 0.500, published 0.540." in by_score


def test_what_is_lacking_is_named():
    told = lacking(class_rows(LINES, "cifar10"))
    assert "alad+dl: not measured yet on airplane, automobile, bird, cat, deer, dog" in told[2]
    assert "alad: its scores were compared on 2 of 3 classes" in told
    absent = next(text for text in told if text.endswith(": not measured yet"))
    assert "alad-paper" in absent and "knn" not in absent.replace("knn-", "")
    whole = of("alad", CLASSES["cifar10"], auroc_by_score=SCORES)
    assert not any("alad:" in text for text in lacking(class_rows(whole, "cifar10")))


def test_without_lines_the_papers_numbers_are_there_and_why_ours_are_not():
    (section,) = images({"svhn": [], "mnist": [], "cifar10-quick": []}, ["svhn"])
    text = section.markdown()
    assert "its official files are not at hand" in text
    assert "| alad | 0 of 10 |  |  | not measured yet |  | ALAD | 0.5753 ± 0.0268 |" in text
    (asked,) = images({"svhn": []})
    assert "it has not been asked for" in asked.markdown()


def test_mnist_is_not_of_the_paper():
    lines = [line("knn", each, benchmark="mnist", protocol="common") for each in CLASSES["mnist"]]
    (section,) = images({"mnist": lines})
    assert section.title == "mnist, protocol common (not of the paper)"
    assert "published as" not in section.markdown()


def test_files_are_at_hand_or_not(tmp_path, monkeypatch):
    monkeypatch.delenv("ALAD_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    train, _ = svhn_files()
    assert not is_there(train, tmp_path)
    (tmp_path / train.name).write_bytes(b"")
    assert is_there(train, tmp_path)


def test_the_page_shows_lines_of_images_and_measures_none(tmp_path):
    plan = Plan("paper", "", (), (), (), "Lead.", "alad bench", images=("cifar10", "svhn"))
    ResultsFile(tmp_path / "cifar10.jsonl").append(LINES)
    before = (tmp_path / "cifar10.jsonl").read_bytes()
    found = paper.run(plan, results=tmp_path, runs=1)
    assert (tmp_path / "cifar10.jsonl").read_bytes() == before
    assert not (tmp_path / "svhn.jsonl").exists() and found.images["svhn"] == []
    page = (tmp_path / "paper" / "README.md").read_text()
    for heading in ("cifar10, protocol paper", "svhn, protocol paper", "How this was made"):
        assert f"## {heading}\n" in page
    assert "lines: results/cifar10.jsonl |" in page and "a CPU" in page


@pytest.mark.parametrize("plan", [FULL, QUICK])
def test_plans_show_images_that_there_are(plan):
    assert all(rows_of(name) for name in plan.images)
    assert [one.benchmark for one in plan.benches if one.random] == [plan.images[0]]


def test_times_of_images_say_what_stood_in_for_what():
    def timed(name: str, **more) -> dict:
        times = {"milliseconds": 100.0, "fastest": 90.0, "slowest": 110.0, "batch_rows": 32}
        return {"benchmark": "cifar10", "detector": name, **times, **more}

    images_, steps = {"random_images": [32, 32, 3]}, {"search_steps_timed": 50, "search_steps": 500}
    lines = [
        timed(name, **images_, **({} if name.startswith("alad") else steps))
        for name in times_section.WHOLE
    ]
    (section,) = times_section.inference_times(lines)
    text = section.markdown()
    assert "random images of 32 × 32 × 3" in text and "50 of AnoGAN's 500 steps" in text
    assert "| ALAD, published | 10.5 |" in text and "| AnoGAN, published | 10,774 |" in text
    assert "svhn has the same networks and size of images; published 10,496 and 10.5 ms" in text
    assert "| the same, published | 1,026 |" in text
