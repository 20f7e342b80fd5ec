"""A page as its parser sees it: tags balanced, text, attributes."""

from html.parser import HTMLParser

VOID = {"meta", "input", "br", "img"}
REFERENCES = ("src", "href", "action", "data", "xlink:href", "poster", "srcset")


class Parsed(HTMLParser):
    """Refuses tags that are left open or closed wrongly; keeps elements and texts."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def outside(self) -> list[str]:
        """Whatever an element would fetch from elsewhere."""
        wanted = [value for _, each in self.elements for key, value in each.items()
                  if key in REFERENCES]  # fmt: skip
        return [value for value in wanted if value and not value.startswith(("#", "data:"))]

    def ids(self) -> list[str]:
        return [value for _, each in self.elements for key, value in each.items()
                if key == "id" and value]  # fmt: skip
