"""Reading our own HTML: enough of a tree to find an element by its id and to compare two of them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from html.parser import HTMLParser
from typing import Any

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})


class Element:
    """One element with its attributes and what it holds."""

    def __init__(self, tag: str, attributes: dict[str, str]) -> None:
        self.tag, self.attributes = tag, attributes
        self.children: list[Element | str] = []

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def __iter__(self) -> Iterator[Element]:
        """Every element inside, in the order of the page."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child

    def all(self, tag: str, **attributes: str) -> list[Element]:
        """The elements inside with this tag and these attributes (`class_` names one of the classes)."""
        return [each for each in self if each.tag == tag and each._has(attributes)]

    def one(self, tag: str, **attributes: str) -> Element:
        """The only such element inside."""
        (found,) = self.all(tag, **attributes)
        return found

    def by_id(self, name: str) -> Element:
        """The only element inside with this id."""
        (found,) = [each for each in self if each.attributes.get("id") == name]
        return found

    @property
    def ids(self) -> list[str]:
        """Every id inside."""
        return [each["id"] for each in self if "id" in each.attributes]

    @property
    def text(self) -> str:
        """The words inside, with single spaces."""
        return " ".join("".join(self._words()).split())

    @property
    def html(self) -> str:
        """The element in one canonical spelling: attributes by name, single spaces."""
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in sorted(self.attributes.items()))
        inner = "".join(c.html if isinstance(c, Element) else " ".join(c.split()) for c in self.children)
        return f"<{self.tag}{attributes}>{inner}</{self.tag}>"

    def _words(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            else:
                yield from child._words()
                yield "" if child.tag in ("a", "b", "code", "em", "mark", "span", "strong", "time") else " "

    def _has(self, wanted: dict[str, str]) -> bool:
        if "class_" in wanted and wanted["class_"] not in self.attributes.get("class", "").split():
            return False
        return all(
            self.attributes.get(name.replace("_", "-")) == value for name, value in wanted.items() if name != "class_"
        )


def page(answer: Any) -> Element:
    """The whole document that a response holds."""
    assert answer.mimetype == "text/html", answer.mimetype
    return tree(answer.text).one("html")


def fragment(answer: Any) -> Element:
    """The one element that a response holds. Fails where there is more than one, or words beside it."""
    assert answer.mimetype == "text/html", answer.mimetype
    roots = [child for child in tree(answer.text).children if isinstance(child, Element) or child.strip()]
    assert len(roots) == 1, f"{len(roots)} roots"
    assert isinstance(roots[0], Element)
    return roots[0]


def tree(html: str) -> Element:
    """A root that holds everything in `html`. Fails on an element that is closed wrongly or not at all."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert len(reader.open) == 1, f"<{reader.open[-1].tag}> is never closed."
    return reader.open[0]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(self.open[-1].children[-1])  # type: ignore[arg-type]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>."
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)
