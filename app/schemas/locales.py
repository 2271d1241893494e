"""Where somebody is, and how dates and numbers are written there."""

from __future__ import annotations

from functools import cache
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints

from app.core.phrases import phrase

_REGIONS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")

# How dates, times and numbers can be written: the name of each way, and how it writes one moment. A test holds these
# equal to what babel writes; loading thirty languages only to show a list of them would cost fifty megabytes.
LOCALES: dict[str, tuple[str, str]] = {
    "en-GB": ("English, United Kingdom", "22 Nov 2026, 14:05"),
    "en-US": ("English, United States", "Nov 22, 2026, 2:05\u202fPM"),
    "zh-CN": ("Chinese, China", "2026年11月22日 14:05"),
    "zh-TW": ("Chinese, Taiwan", "2026年11月22日 下午2:05"),
    "cs-CZ": ("Czech, Czechia", "22. 11. 2026 14:05"),
    "da-DK": ("Danish, Denmark", "22. nov. 2026 14.05"),
    "nl-BE": ("Dutch, Belgium", "22 nov 2026, 14:05"),
    "nl-NL": ("Dutch, Netherlands", "22 nov 2026, 14:05"),
    "en-AU": ("English, Australia", "22 Nov 2026, 2:05\u202fpm"),
    "en-CA": ("English, Canada", "Nov 22, 2026, 2:05\u202fp.m."),
    "en-IN": ("English, India", "22 Nov 2026, 2:05\u202fpm"),
    "en-IE": ("English, Ireland", "22 Nov 2026, 14:05"),
    "en-NZ": ("English, New Zealand", "22 Nov 2026, 2:05\u202fpm"),
    "en-ZA": ("English, South Africa", "22 Nov 2026, 14:05"),
    "en-SE": ("English, Sweden", "22 Nov 2026, 14:05"),
    "en-CH": ("English, Switzerland", "22 Nov 2026, 14:05"),
    "et-EE": ("Estonian, Estonia", "22. nov 2026 14:05"),
    "fi-FI": ("Finnish, Finland", "22.11.2026 14.05"),
    "fr-BE": ("French, Belgium", "22 nov. 2026, 14:05"),
    "fr-CA": ("French, Canada", "22 nov. 2026, 14 h 05"),
    "fr-FR": ("French, France", "22 nov. 2026, 14:05"),
    "fr-CH": ("French, Switzerland", "22 nov. 2026, 14:05"),
    "de-AT": ("German, Austria", "22.11.2026, 14:05"),
    "de-DE": ("German, Germany", "22.11.2026, 14:05"),
    "de-CH": ("German, Switzerland", "22.11.2026, 14:05"),
    "hu-HU": ("Hungarian, Hungary", "2026. nov. 22. 14:05"),
    "it-IT": ("Italian, Italy", "22 nov 2026, 14:05"),
    "it-CH": ("Italian, Switzerland", "22 nov 2026, 14:05"),
    "ja-JP": ("Japanese, Japan", "2026/11/22 14:05"),
    "ko-KR": ("Korean, South Korea", "2026. 11. 22. PM 2:05"),
    "lv-LV": ("Latvian, Latvia", "2026. gada 22. nov. 14:05"),
    "lt-LT": ("Lithuanian, Lithuania", "2026-11-22 14:05"),
    "nb-NO": ("Norwegian Bokmål, Norway", "22. nov. 2026, 14:05"),
    "pl-PL": ("Polish, Poland", "22 lis 2026, 14:05"),
    "pt-BR": ("Portuguese, Brazil", "22 de nov. de 2026 14:05"),
    "pt-PT": ("Portuguese, Portugal", "22/11/2026, 14:05"),
    "ro-RO": ("Romanian, Romania", "22 nov. 2026, 14:05"),
    "sk-SK": ("Slovak, Slovakia", "22. 11. 2026, 14:05"),
    "sl-SI": ("Slovenian, Slovenia", "22. nov. 2026, 14:05"),
    "es-MX": ("Spanish, Mexico", "22 nov 2026, 2:05\u202fp.m."),
    "es-ES": ("Spanish, Spain", "22 nov 2026, 14:05"),
    "sv-SE": ("Swedish, Sweden", "22 nov. 2026 14:05"),
    "tr-TR": ("Turkish, Türkiye", "22 Kas 2026 14:05"),
    "uk-UA": ("Ukrainian, Ukraine", "22 лист. 2026\u202fр., 14:05"),
}


@cache
def time_zones() -> tuple[str, ...]:
    """The zones of the IANA database that are named for a place, and UTC."""
    placed = (name for name in available_timezones() if name.partition("/")[0] in _REGIONS)
    return ("UTC", *sorted(placed))


def _time_zone(name: str) -> str:
    if name not in time_zones():
        raise ValueError(phrase("Choose a time zone of the list, as Europe/Zurich."))
    return name


def _locale(name: str) -> str:
    if name not in LOCALES:
        raise ValueError(phrase("Choose one of the list, as en-GB."))
    return name


Locale = Annotated[str, AfterValidator(_locale), StringConstraints(max_length=20)]
TimeZone = Annotated[str, AfterValidator(_time_zone), StringConstraints(max_length=64)]
