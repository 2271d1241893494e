"""The figures as a person reads them."""

from __future__ import annotations

from typing import Any


def lines(results: dict[str, Any]) -> list[str]:
    """Everything that was measured, as lines of text."""
    told = _machine(results["machine"], results["settings"])
    if results.get("side_by_side"):
        told += ["", *_side_by_side(results["side_by_side"])]
    if results.get("queries"):
        told += ["", "Statements sent to PostgreSQL for one request"]
        told += [f"  {row['name']:<28} {row['many']:>3}, as many for ten tasks" for row in results["queries"]]
    if results.get("weight"):
        told += ["", *_weight(results["weight"])]
    if results.get("signing"):
        told += ["", *_signing(results["signing"])]
    if results.get("certifications"):
        told += ["", *_certifications(results["certifications"])]
    return told


def _machine(machine: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    return [
        f"{machine['taken_at']}, commit {machine['commit'] or 'unknown'}",
        f"{machine['cores']} cores of {machine['processor']}, {machine['memory'] or 'unknown'} memory",
        f"{machine['system']}, Python {machine['python']}, {machine['openssl']}",
        f"load before the start {machine['load_before']}; {settings['workers']} gunicorn workers for either side;"
        f" {settings['connections']} connections of {settings['generator']};"
        f" {settings['rounds']} slices of {settings['seconds']} s for each side, in turn; {settings['tasks']:,} tasks",
    ]


def _side_by_side(rows: list[dict[str, Any]]) -> list[str]:
    names = "".join(f"{name:>9}" for name in ("p50 ms", "p95 ms", "p99 ms", "CPU ms"))
    told = [f"{'':<28}{'requests/s':>11}{names}{'database':>10}  of the floor"]
    for row in rows:
        told.append(f"{row['name']}")
        told.append(f"{'  floor':<28}{_figures(row['floor'])}")
        spread = f"{row['ratio']:>6.0%}  ({row['ratio_least']:.0%} to {row['ratio_most']:.0%})"
        told.append(f"{'  product':<28}{_figures(row['product'])}{spread}")
    return [*told, "CPU ms: of the web server's processes for one request; database: of PostgreSQL's."]


def _figures(side: dict[str, Any]) -> str:
    cpu, database = (f"{side[name]:.2f}" if side[name] is not None else "-" for name in ("server_cpu", "database_cpu"))
    return f"{side['rate']:>11.0f}{side['p50']:>9.1f}{side['p95']:>9.1f}{side['p99']:>9.1f}{cpu:>9}{database:>10}"


def _weight(weight: dict[str, Any]) -> list[str]:
    kinds = ", ".join(f"{kind} {size / 1000:.1f} KB" for kind, size in sorted(weight["by_kind"].items()))
    return [
        f"Task list page with an empty cache, seen by {weight['seen_by']}",
        f"  {weight['requests']} requests; HTML, CSS and JS {weight['html_css_js'] / 1000:.1f} KB compressed ({kinds})",
    ]


def _signing(rows: list[dict[str, Any]]) -> list[str]:
    told = [f"{'Signatures/s on one core':<28}{'openssl':>11}{'plain':>9}{'verified':>9}"]
    for row in rows:
        openssl = f"{row['openssl']:.0f}" if row["openssl"] else "-"
        share = f"  {row['verified'] / row['openssl']:.0%} of openssl" if row["openssl"] else ""
        told.append(f"{'  ' + row['name']:<28}{openssl:>11}{row['plain']:>9.0f}{row['verified']:>9.0f}{share}")
    return [*told, "verified: as the signer does it, which checks each signature before it lets go of it."]


def _certifications(found: dict[str, Any]) -> list[str]:
    told = ["Certifications/s, request to stored verdict, one worker and one signer"]
    told += [f"  {row['name']:<40}{row['rate']:>7.1f}" for row in found["full_load"]]
    half = found["half_load"]
    latency = ", ".join(f"{name} {half[name]:.0f} ms" for name in ("p50", "p95", "p99"))
    return [*told, f"  request to verdict at half load ({half['rate']:.1f}/s, as shipped): {latency}"]
