"""What every template may use: who looks, what they may do, where things are, how values are written."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from zlib import crc32

import nh3
import orjson
from flask import Flask, current_app, g, request, url_for
from flask.templating import Environment
from jinja2 import StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

from app.web import dates, kept_templates, live_address, panels
from app.web.actors import known_actor
from app.web.assets import asset
from app.web.built_in import called, each_called
from app.web.density import density
from app.web.devices import device
from app.web.languages import direction, language, plural, translated
from app.web.mail_folder import mails_are_shown
from app.web.pictures import picture_of

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
# Icons that point along the line: they are turned around where a page is read from the right.
_POINTING = frozenset({"chevron-left", "chevron-right", "log-out"})
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
    kept_templates.keep(app, Path(__file__))
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.i18n")
    # Plain callables, not "new style" ones: those are handed the context, of which Jinja makes a copy for every call.
    app.jinja_env.install_gettext_callables(translated, plural, newstyle=False)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(
        _=translated,
        language=language,
        direction=direction,
        density=density,
        asset=asset,
        dom_id=dom_id,
        can=can,
        those=those,
        url_for=address,
        lucide=lucide,
    )
    app.jinja_env.globals.update(mails_are_shown=mails_are_shown, time_zone=dates.zone_in_words, picture_of=picture_of)
    app.jinja_env.globals.update(passkeys_work=passkeys_work)
    app.jinja_env.globals.update(live=live, live_address=live_address.of_page, live_text_address=live_address.of_text)
    app.jinja_env.globals.update(page_kind=page_kind)
    app.jinja_env.policies["json.dumps_function"] = _as_json
    app.jinja_env.filters.update(
        attested=dates.attested,
        bare_title=panels.bare_title,
        called=called,
        each_called=each_called,
        day=dates.day,
        device=device,
        moment=dates.moment,
        number=dates.number,
        second=dates.second,
        utc_moment=dates.utc_moment,
        utc_second=dates.utc_second,
        minutes=dates.minutes,
        markdown=markdown,
        hue=hue,
        initials=initials,
    )
    app.context_processor(lambda: {"actor": known_actor()})
    app.url_defaults(_fill_in_slug)
    app.url_value_preprocessor(_take_out_slug)


def page_kind() -> str:
    """What kind of page this is: the name of its view."""
    return request.endpoint or ""


def passkeys_work() -> bool:
    """Whether passkeys can be used at the address that we have."""
    return bool(current_app.config["SETTINGS"].has_named_host)


def can(permission: str, subject: Any = None) -> bool:
    """Whether the person who looks at the page has `permission` for `subject`, or without one anywhere at all.

    It is the same table that commands ask. A thing lies in itself, in its program and in its task.
    """
    actor = known_actor()
    if actor is None:
        return False
    if permission in actor.permissions:  # throughout: most often so, and lists ask it of each row
        return True
    if subject is None:
        return actor.may_somewhere(permission)
    return actor.may(permission, *(getattr(subject, name, None) for name in ("id", "program_id", "task_id")))


def those(permission: str, things: Iterable[Any]) -> frozenset[Any]:
    """The ids of those of some things for which the person who looks has `permission`: for a list of them."""
    return frozenset(thing.id for thing in things if can(permission, thing))


def address(endpoint: str, **values: Any) -> str:
    """`url_for`, within the organisation that is being worked in. The newest few are remembered."""
    return _address(g._get_current_object().__dict__.get("slug"), endpoint, tuple(values.items()))


@lru_cache(maxsize=2048)
def _address(_slug: str | None, endpoint: str, values: tuple[tuple[str, Any], ...]) -> str:
    return url_for(endpoint, **dict(values))


@lru_cache(maxsize=512)
def lucide(name: str, label: str | None = None) -> Markup:
    """An icon of the sprite: a function, not a macro, as a page shows dozens of them and few different ones."""
    seen = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    kind = "icon icon--points" if name in _POINTING else "icon"
    drawing = f"{asset('icons.svg')}#{name}"
    return Markup('<svg class="{}" viewBox="0 0 24 24" {}><use href="{}"/></svg>').format(kind, seen, drawing)


def dom_id(thing: Any, prefix: str = "") -> str:
    """The id of the element that shows `thing`."""
    kind = getattr(thing, "kind", "row")
    return f"{prefix}-{kind}-{thing.id}" if prefix else f"{kind}-{thing.id}"


def live(*channels: str, url: str | None = None, select: str | None = None, every: str | None = None) -> Markup:
    """The attributes of a part of a page that follows `channels`, the first of them what it shows.

    When something has changed there, the part is asked for again at `url`, else at the address of the page, and
    `select` is taken out of the answer where that is a whole page. `every` so often it is asked for in any case.
    """
    attributes: dict[str, str] = {
        "data-live": " ".join(channels),
        "hx-get": url or request.full_path.rstrip("?"),
        "hx-trigger": f"every {every}, live" if every else "live",
        "hx-swap": "outerMorph",
        "hx-sync": "this:drop",
        **({"hx-select": select} if select else {}),
    }
    return Markup(" ".join(f'{name}="{escape(value)}"' for name, value in attributes.items()))  # noqa: S704 (escaped)


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


def hue(name: str) -> int:
    """Which of eight colours stands for somebody of this name: the same one everywhere."""
    return crc32(name.encode()) % 8


def _as_json(value: Any, **_options: Any) -> str:
    return orjson.dumps(value).decode()


def _fill_in_slug(endpoint: str, values: dict[str, Any]) -> None:
    slug = g.get("slug")
    if slug and "slug" not in values and current_app.url_map.is_endpoint_expecting(endpoint, "slug"):
        values["slug"] = slug


def _take_out_slug(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values is not None and "slug" in values:
        g.slug = values.pop("slug")
