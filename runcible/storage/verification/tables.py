"""Events, their keys and their links: each event is in all three, of one moment."""

from typing import Any

import psycopg

from runcible.storage.verification.reading import streamed
from runcible.storage.verification.report import Report

LATE = "interval '10 minutes'"  # no transaction of ours lasts as long: an event that is older than that was put in

_THREE = f"""
    SELECT coalesce(e.event_id, k.event_id, l.event_id) AS event_id, e.id, l.sequence,
           e.created_at AS of_event, k.created_at AS of_key, l.event_created_at AS of_link,
           (SELECT s.id FROM audit.audit_events AS s WHERE e.event_id IS NULL
              AND s.created_at IN (k.created_at, l.event_created_at)
              AND NOT EXISTS (SELECT FROM audit.audit_chain AS t WHERE t.event_id = s.event_id) LIMIT 1) AS stray_event,
           (SELECT t.sequence FROM audit.audit_chain AS t WHERE l.event_id IS NULL AND t.event_created_at = e.created_at
              AND NOT EXISTS (SELECT FROM audit.audit_events AS s WHERE s.event_id = t.event_id) LIMIT 1) AS stray_link,
           (SELECT t.event_id FROM audit.audit_event_keys AS t WHERE k.event_id IS NULL AND t.created_at = e.created_at
              AND NOT EXISTS (SELECT FROM audit.audit_events AS s WHERE s.event_id = t.event_id) LIMIT 1) AS stray_key,
           e.created_at < (SELECT max(event_created_at) FROM audit.audit_chain) - {LATE} AS is_old
    FROM audit.audit_events AS e
    FULL JOIN audit.audit_event_keys AS k ON k.event_id = e.event_id
    FULL JOIN audit.audit_chain AS l ON l.event_id = coalesce(e.event_id, k.event_id)
    WHERE e.created_at IS DISTINCT FROM k.created_at OR e.created_at IS DISTINCT FROM l.event_created_at"""  # noqa: S608


def compare_tables(connection: psycopg.Connection[Any], report: Report) -> None:
    """Name each event that one of the three tables lacks, or tells otherwise."""
    for row in streamed(connection, "three", _THREE):
        if row.of_event is None:
            _name_what_has_no_event(report, row)
        elif row.of_key is None:
            _name_what_has_no_key(report, row)
        elif row.of_link is None:
            _name_what_has_no_link(report, row)
        else:
            _name_the_odd_moment(report, row)
    twice = "SELECT event_id, array_agg(id) AS ids FROM audit.audit_events GROUP BY 1 HAVING count(*) > 1"
    for row in streamed(connection, "twice", twice):
        report.add("audit_events", f"ids {', '.join(map(str, row.ids))}, event {row.event_id}", "is there twice")


def _name_what_has_no_event(report: Report, row: Any) -> None:
    if row.stray_event is not None:
        report.add("audit_events", f"id {row.stray_event}", f"event_id was changed; it was {row.event_id}")
    elif row.of_key is not None and row.of_link is not None:
        report.add("audit_events", f"event {row.event_id}", f"was taken out; its link is sequence {row.sequence}")
    elif row.of_key is not None:
        report.add("audit_event_keys", f"event {row.event_id}", "was put in or changed: there is no such event")
    else:
        name = f"sequence {row.sequence}, event {row.event_id}"
        report.add("audit_chain", name, "was put in or changed: there is no such event")


def _name_what_has_no_key(report: Report, row: Any) -> None:
    other = "" if row.stray_key is None else f"; that of event {row.stray_key} may be its own, changed"
    said = f"the key of the event with id {row.id} is missing{other}"
    report.add("audit_event_keys", f"event {row.event_id}", said)
    if row.of_link is None:
        said = "was put in or given another event_id: it has neither key nor link"
        report.add("audit_events", f"id {row.id}, event {row.event_id}", said)


def _name_what_has_no_link(report: Report, row: Any) -> None:
    if row.stray_link is not None:
        report.add("audit_chain", f"sequence {row.stray_link}", f"event_id was changed; it was {row.event_id}")
    elif row.is_old:
        said = "has no link in the chain: it was put in, or its link taken out"
        report.add("audit_events", f"id {row.id}, event {row.event_id}", said)
    else:
        report.unlinked += 1  # newer than the newest link: the clock comes to it within a second or so


def _name_the_odd_moment(report: Report, row: Any) -> None:
    """Two of three agree on the moment; the third was changed."""
    if row.of_key == row.of_link:
        said = f"created_at is {row.of_event}, and was {row.of_key}"
        report.add("audit_events", f"id {row.id}, event {row.event_id}", said)
    elif row.of_event == row.of_key:
        said = f"event_created_at is {row.of_link}, and was {row.of_event}"
        report.add("audit_chain", f"sequence {row.sequence}, event {row.event_id}", said)
    else:
        said = f"created_at is {row.of_key}, and was {row.of_event}"
        report.add("audit_event_keys", f"event {row.event_id}", said)
