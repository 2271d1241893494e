"""Pages say word for word what Jinja alone would make of their templates."""

from __future__ import annotations

from uuid import UUID

import pytest
from jinja2 import DictLoader, Environment, StrictUndefined, UndefinedError, pass_context
from markupsafe import Markup

from app.web.template_code import PageCode, PageContext

WORDS = """<a title="it's"> & b"""
OTHERS = {
    "around": "<title>{% block title %}Oversing{% endblock %}</title>{{ self.title() }}{% block main %}{% endblock %}",
    "parts": "{% macro part(name, kind='x') %}{{ kind }}{{ name }}{{ caller() if caller is defined }}{% endmacro %}",
    "piece": "{{ words }}{% for each in rows %}{{ loop.index }}{{ each }}{% endfor %}",
}
TEMPLATES = (
    "{{ words }}{{ safe }}{{ number }}{{ nothing }}{{ id }}{{ rows }}{{ drawn }}{{ 1.5 }}{{ true }}{{ '<' }}",
    "{{ words | e }}{{ words | safe }}{{ words | upper }}{{ rows | join('<') }}{{ rows | length }}",
    "{{ safe ~ words }}{{ safe | striptags }}{{ 'x' if number > 7 }}{{ 'x' if number < 7 }}{{ words[:1] }}",
    "{% set kept %}{{ words }}<b>{% endset %}{{ kept }}{{ kept ~ words }}",
    "{% from 'parts' import part %}{{ part(words) }}{% call part(safe, kind=words) %}{{ words }}{% endcall %}",
    "{% for each in rows if each %}{{ shout(each) }}{{ rows.index(each) }}{{ seen(loop.index0) }}{% endfor %}",
    "{% extends 'around' %}{% block title %}{{ super() }} {{ words }}{% endblock %}{% block main %}{{ shout(words) }}"
    "{% include 'piece' %}{% endblock %}",
    "{% trans name=words %}Dear {{ name }}{% endtrans %}{{ _(words) }}",
    "{% macro many() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ many(words, safe, number=number) }}",
    "{% set ns = namespace(sum=0) %}{% for each in rows %}{% set ns.sum = ns.sum + 1 %}{% endfor %}{{ ns.sum }}",
)


class Drawn:
    """What knows how it is drawn."""

    def __html__(self) -> str:
        return "<svg/>"


class OurJinja(Environment):
    """Jinja as pages use it."""

    code_generator_class = PageCode
    context_class = PageContext


def written_by(jinja, template):
    """What becomes of a template that is given all sorts of things."""
    made = jinja(loader=DictLoader(OTHERS), autoescape=True, undefined=StrictUndefined, extensions=["jinja2.ext.i18n"])
    made.install_gettext_callables(lambda text: text, lambda one, many, n: one if n == 1 else many, newstyle=False)
    made.globals.update(shout=lambda text: f"{text}!", seen=pass_context(lambda context, n: (context["words"], n)))
    given = {"words": WORDS, "safe": Markup("<b>&amp;</b>"), "number": 8, "nothing": None, "drawn": Drawn()}
    return made.from_string(template).render(**given, id=UUID(int=7), rows=["<", "", "b"])


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_says_what_jinja_alone_would_make_of_it(template):
    assert written_by(OurJinja, template) == written_by(Environment, template)


@pytest.mark.parametrize(
    "template", ["{{ unknown }}", "{{ words.unknown }}", "{{ unknown() }}", "{{ words ~ unknown }}"]
)
def test_what_there_is_not_is_an_error(template):
    with pytest.raises(UndefinedError):
        written_by(OurJinja, template)


def test_what_somebody_typed_is_no_markup_on_any_page(web_app):
    page = web_app.jinja_env.overlay(loader=DictLoader({"page.html": "<p>{{ words }}</p>"})).get_template("page.html")
    assert page.render(words=WORDS) == "<p>&lt;a title=&#34;it&#39;s&#34;&gt; &amp; b</p>"
