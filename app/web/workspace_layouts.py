"""The layout of a workspace, as its address has it: `/o/acme/w?p=tasks/42&p=programs&s=40,60`, and each step from it.

The address is the truth: Back, reload and a link that somebody sends bring back what it says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape, unescape
from typing import Any
from urllib.parse import parse_qsl, quote
from uuid import UUID

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from app.core.errors import Invalid, InvalidParameter
from app.core.phrases import phrase
from app.schemas.workspaces import LONGEST_PATH, MOST_PANELS, is_path
from app.web import panels
from app.web.panels import Panel

NARROWEST = 10  # per cent of the width


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands beside each other, from left to right, how wide in per cent, and of which saved workspace it is."""

    paths: tuple[str, ...] = ()
    widths: tuple[int, ...] = ()
    workspace_id: UUID | None = None

    @classmethod
    def of(cls, workspace: Any) -> Layout:
        """The layout of a saved workspace."""
        return cls(tuple(workspace.panels), tuple(workspace.widths), workspace.id)

    @property
    def address(self) -> str:
        """Where this layout is."""
        return url_for("workspaces.open_layout") + (f"?{self.query}" if self.query else "")

    @property
    def query(self) -> str:
        """What its address says of it."""
        given = [f"p={quote(path, safe=panels.PLAIN)}" for path in self.paths]
        if self.widths:
            given.append(f"s={','.join(map(str, self.widths))}")
        if self.workspace_id:
            given.append(f"ws={self.workspace_id}")
        return "&".join(given)

    @property
    def is_full(self) -> bool:
        """Whether no further panel fits in."""
        return len(self.paths) >= MOST_PANELS

    def width_at(self, place: int) -> int | None:
        """The width of the panel at a place, where the widths are said."""
        return self.widths[place] if self.widths else None

    def with_path(self, path: str, place: int | None = None) -> Layout:
        """With a page at a place instead of the one there; without a place, at the end. What stands already stays."""
        if path in self.paths:
            return self
        if place is None:
            return replace(self, paths=(*self.paths, path), widths=())
        return replace(self, paths=(*self.paths[:place], path, *self.paths[place + 1 :]))

    def without(self, place: int) -> Layout:
        """Without the panel at a place. The others share its width."""
        return replace(self, paths=(*self.paths[:place], *self.paths[place + 1 :]), widths=())

    def swapped(self, place: int, other: int) -> Layout:
        """With two panels in each other's places, each as wide as before."""
        order = list(range(len(self.paths)))
        order[place], order[other] = order[other], order[place]
        widths = tuple(self.widths[each] for each in order) if self.widths else ()
        return replace(self, paths=tuple(self.paths[each] for each in order), widths=widths)

    def panel(self, place: int) -> Panel:
        """The panel at a place, with the addresses of what may be done with it."""
        ways = {"close": self.without(place).address}
        if place > 0:
            ways["before"] = self.swapped(place, place - 1).address
        if place < len(self.paths) - 1:
            ways["after"] = self.swapped(place, place + 1).address
        return Panel(f"p{place + 1}", self.paths[place], ways, lambda page: self._lead(page, place))

    def _lead(self, page: str, place: int) -> str | None:
        """The address that shows another page in place of a panel, or None for what is not of the organisation."""
        base, page = panels.base(), unescape(page)
        path = page.removeprefix(base)
        if not page.startswith(base) or not is_path(path):
            return None
        return escape(self.with_path(path, place).address)


def layout_asked_for() -> Layout:
    """The layout that the address names. Widths that do not fit are left out. Raises InvalidParameter."""
    unknown = {
        name[:100]: phrase("This parameter is not known here.") for name in request.args if name not in ("p", "s", "ws")
    }
    if unknown:
        raise InvalidParameter(unknown)
    return _layout(request.args)


def layout_from(query: str) -> Layout:
    """The layout that a form sends, as its address has it. Raises Invalid."""
    try:
        return _layout(MultiDict(parse_qsl(query, max_num_fields=20)))
    except (InvalidParameter, ValueError):
        raise Invalid({"_": phrase("This is no layout: open the workspace again.")}) from None


def _layout(given: MultiDict[str, str]) -> Layout:
    paths = tuple(dict.fromkeys(path for path in given.getlist("p") if path))
    if len(paths) > MOST_PANELS:
        raise InvalidParameter({"p": phrase("A workspace has at most %(most)s panels.", most=MOST_PANELS)})
    if not all(map(is_path, paths)):
        raise InvalidParameter(
            {"p": phrase("A panel is a page of this organisation, in at most %(most)s characters.", most=LONGEST_PATH)}
        )
    return Layout(paths, _widths(given.get("s", ""), paths), _id(given.get("ws", "")))


def _widths(given: str, paths: Sequence[str]) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]{1,2}(,[0-9]{1,2}){0,5}", given):
        return ()
    widths = [int(width) for width in given.split(",")]
    return _of_a_hundred(widths) if len(widths) == len(paths) and min(widths) > 0 else ()


def _of_a_hundred(widths: list[int]) -> tuple[int, ...]:
    """The widths as shares of the whole, none too narrow to be seen. What lacks is taken from the widest."""
    shares = [max(NARROWEST, round(width * 100 / sum(widths))) for width in widths]
    shares[shares.index(max(shares))] += 100 - sum(shares)
    return tuple(shares)


def _id(given: str) -> UUID | None:
    try:
        return UUID(given) if given else None
    except ValueError:
        raise InvalidParameter({"ws": phrase("This is not an id.")}) from None
