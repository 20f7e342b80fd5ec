"""Nothing but our own tags is markup."""

import pytest

from alad.report.markup import Markup, escaped, joined, tag


def test_text_is_escaped_and_markup_is_not():
    inner = tag("b", "<script>alert('x')</script>")
    assert inner == "<b>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</b>"
    assert tag("i", inner, " & ") == f"<i>{inner} &amp; </i>"
    assert isinstance(joined([inner, "<"]), Markup) and joined([inner, "<"]) == f"{inner}&lt;"


def test_attributes_are_escaped_named_and_left_out():
    found = tag("td", class_='a"b', data_head="<", hidden=True, id=None, live=False, x=1.0, y=0.125)
    assert found == '<td class="a&quot;b" data-head="&lt;" hidden x="1" y="0.12"></td>'
    assert tag("input", name="q") == '<input name="q"/>'


@pytest.mark.parametrize("cell", ["\x00", "\x1b[31m", "\u202egpj.exe", "\ud800", "\ufffe", "\x85"])
def test_characters_that_no_page_may_hold_are_replaced(cell):
    shown = escaped(f"a{cell}b")
    assert "�" in shown and shown.startswith("a") and shown.endswith("b")
    shown.encode("utf-8")


def test_words_of_any_language_stay():
    for word in ("naïve", "日本語", "العربية", "🙂", "no\u00a0break", "tab\there"):
        assert escaped(word) == word
