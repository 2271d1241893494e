"""Workspaces, as they come in and go out."""

from __future__ import annotations

import re

MOST_PANELS = 6
LONGEST_PATH = 500

# A path within an organisation, with its query: as a browser writes it, and below the organisation.
_PATH = re.compile(r"[A-Za-z0-9_.~%@:,=+-]+(/[A-Za-z0-9_.~%@:,=+-]+)*(\?[A-Za-z0-9_.~%@:,=+&/?!$'()*;-]*)?")


def is_path(text: str) -> bool:
    """Whether a panel can show what is at `text`: a page of the organisation, whether it is there or not."""
    path = text.partition("?")[0]
    return len(text) <= LONGEST_PATH and _PATH.fullmatch(text) is not None and ".." not in path.split("/")
