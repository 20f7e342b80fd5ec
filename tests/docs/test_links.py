"""No link of README, EXPERIMENTS.md or docs/ leads nowhere."""

import re
from pathlib import Path

import pytest
from markdown_pages import DOCS, EXPERIMENTS, INCLUDED, PAGES, ROOT, anchors_of, links_of, name_of


def dead(page: Path, link: str) -> str:
    """What is wrong with a link of a page; "" = nothing."""
    if re.match(r"https?://|mailto:", link):
        return ""
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_relative_to(ROOT) or not target.exists():
        return f"{link}: no such file"
    inside = page.is_relative_to(DOCS)
    if inside and not target.is_relative_to(DOCS):
        return f"{link}: not part of the site"
    if anchor and anchor not in anchors_of(target):
        return f"{link}: no such heading, or one whose anchor differs from site to repository"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_dead_link(page):
    assert [what for link in links_of(page) if (what := dead(page, link))] == []


def test_a_dead_link_is_seen():
    page = DOCS / "index.md"
    assert "no such file" in dead(page, "nowhere.md")
    assert "no such heading" in dead(page, "guarantees.md#nothing-of-the-kind")
    assert "not part" in dead(page, "../README.md")
    assert dead(page, "guarantees.md") == ""


def test_the_log_is_a_page_of_the_site():
    assert INCLUDED.findall((DOCS / "experiments.md").read_text("utf-8")) == ["EXPERIMENTS.md"]
    outside = [link for link in links_of(EXPERIMENTS) if not link.startswith(("#", "http"))]
    assert outside == []  # it is read in two places


def test_every_page_is_in_the_menu():
    menu = set(re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE))
    assert menu == {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")}
