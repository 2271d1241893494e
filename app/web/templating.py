"""What every template may use: who looks, what they may do, where things are, how values are written."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import nh3
import orjson
from flask import Flask, current_app, g, url_for
from flask.templating import Environment
from jinja2 import StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from app.web.actors import known_actor
from app.web.assets import asset
from app.web.devices import device
from app.web.mail_folder import mails_are_shown

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_TAGS = {
    "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s",
    "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


class Templates(Environment):
    """Jinja, with one set of globals for all templates. Rendering never brings any of its own."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """The globals themselves, not a chain that ends in them: each import of a macro asks for all of its keys."""
        return super().make_globals(d) if d else self.globals


def init_app(app: Flask) -> None:
    """Set Jinja up, and let every address inside an organisation know its slug."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # Plain callables, not "new style" ones: those are handed the context, of which Jinja makes a copy for every call.
    app.jinja_env.install_gettext_callables(translated, plural, newstyle=False)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(_=translated, asset=asset, dom_id=dom_id, can=can, url_for=address, lucide=lucide)
    app.jinja_env.globals.update(mails_are_shown=mails_are_shown)
    app.jinja_env.policies["json.dumps_function"] = _as_json
    app.jinja_env.filters.update(
        day=day,
        device=device,
        moment=moment,
        utc_moment=utc_moment,
        second=second,
        minutes=minutes,
        markdown=markdown,
        initials=initials,
    )
    app.context_processor(lambda: {"actor": known_actor()})
    app.url_defaults(_fill_in_slug)
    app.url_value_preprocessor(_take_out_slug)


def translated(text: str) -> str:
    """What templates say, in the language of the person who looks. There is one language yet."""
    return text


def plural(one: str, many: str, count: int) -> str:
    """The same for something counted."""
    return one if count == 1 else many


def can(permission: str, subject: Any = None) -> bool:
    """Whether the person who looks at the page has `permission` for `subject`, or without one anywhere at all.

    It is the same table that commands ask. A thing lies in itself, in its program and in its task.
    """
    actor = known_actor()
    if actor is None:
        return False
    if subject is None:
        return actor.may_somewhere(permission)
    return actor.may(permission, *(getattr(subject, name, None) for name in ("id", "program_id", "task_id")))


def address(endpoint: str, **values: Any) -> str:
    """`url_for`, within the organisation that is being worked in. The newest few are remembered."""
    return _address(g.get("slug"), endpoint, tuple(values.items()))


@lru_cache(maxsize=2048)
def _address(_slug: str | None, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
    return url_for(endpoint, **dict(values))


@lru_cache(maxsize=512)
def lucide(name: str, label: str | None = None) -> Markup:
    """An icon of the sprite: a function, not a macro, as a page shows dozens of them and few different ones."""
    seen = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"/></svg>').format(seen, asset("icons.svg"), name)


def dom_id(thing: Any, prefix: str = "") -> str:
    """The id of the element that shows `thing`."""
    kind = getattr(thing, "kind", "row")
    return f"{prefix}-{kind}-{thing.id}" if prefix else f"{kind}-{thing.id}"


def day(value: date | None) -> str:
    """A date, as 22 Nov 2026; that of a moment is the one which the organisation has at that moment."""
    if value is None:
        return "–"
    zone, locale = _here()
    return _day(value.astimezone(_zone(zone)) if isinstance(value, datetime) else value, locale)


def moment(value: datetime | None) -> Markup | str:
    """A moment, readable by people and programs, in the time zone of the organisation. The title says which it is."""
    return "–" if value is None else _moment(value, *_here())


def utc_moment(value: datetime | None) -> Markup | str:
    """The same in UTC, for sentences that say so themselves: certificates and the audit trail read alike everywhere."""
    return "–" if value is None else _moment(value, "UTC", _here()[1])


def _here() -> tuple[str, str]:
    """The time zone of the organisation, and how it writes dates."""
    actor = known_actor()
    return (actor.tenant.time_zone, actor.tenant.locale) if actor is not None else ("UTC", "en-GB")


def _day(value: date, locale: str) -> str:
    return f"{value:%b} {value.day}, {value.year}" if locale == "en-US" else f"{value.day} {value:%b %Y}"


def _moment(value: datetime, zone: str, locale: str) -> Markup:
    there = value.astimezone(_zone(zone))
    time = f"{there.hour % 12 or 12}:{there:%M %p}" if locale == "en-US" else f"{there:%H:%M}"
    written = value.isoformat(timespec="seconds"), zone, f"{_day(there, locale)}, {time}"
    return Markup('<time datetime="%s" title="%s">%s</time>') % written


@lru_cache(maxsize=512)
def _zone(name: str) -> tzinfo:
    """A time zone. One that a later database of zones has dropped reads as UTC."""
    try:
        return ZoneInfo(name)
    except ZoneInfoNotFoundError:
        return UTC


def second(value: datetime) -> Markup:
    """A moment to the second, for pages that say themselves that it is UTC."""
    written = value.isoformat(timespec="seconds"), f"{value.day} {value:%b %Y, %H:%M:%S}"
    return Markup('<time datetime="%s">%s</time>') % written


def minutes(value: int | None) -> str:
    """A duration in minutes, as 8 h 30 min."""
    if value is None:
        return "–"
    hours, rest = divmod(value, 60)
    return " ".join(
        part for part in (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "") if part
    )


@lru_cache(maxsize=256)
def markdown(text: str) -> Markup:
    """What a person wrote, as safe HTML: no raw HTML, no images, links to https and mail only.

    The newest few are remembered: a page that somebody works on is rendered again after every step.
    """
    html = _markdown.render(text or "")
    return Markup(  # noqa: S704 (sanitised on the same line)
        nh3.clean(
            html,
            tags=_TAGS,
            attributes={"a": {"href"}},
            url_schemes={"https", "http", "mailto"},
            link_rel="noopener nofollow",
        )
    )


def initials(name: str) -> str:
    """The first letters of a name's first and last word."""
    words = name.split()
    return escape("".join(word[0] for word in (words[:1] + words[1:][-1:])).upper())


def _as_json(value: Any, **_options: Any) -> str:
    return orjson.dumps(value).decode()


def _fill_in_slug(endpoint: str, values: dict[str, Any]) -> None:
    slug = g.get("slug")
    if slug and "slug" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "slug"):
        values["slug"] = slug


def _take_out_slug(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values is not None and "slug" in values:
        g.slug = values.pop("slug")
