"""`python -m benchmarks`: measure, print a table, and keep the figures in benchmarks/results/."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from app import create_app
from app.local.home import LocalError
from app.local.supervisor import StopRequestedError
from benchmarks import (
    access,
    audit,
    certifications,
    data,
    load,
    long_lists,
    machine,
    queries,
    side_by_side,
    sign_in,
    signing,
    stack,
    table,
    weight,
)
from benchmarks.stack import Stack

HERE = Path(__file__).parent
RESULTS = HERE / "results"
FAILURES = (
    LocalError,
    load.WrongAnswersError,
    queries.NotFixedError,
    certifications.NotCertifiedError,
    sign_in.TooSlowError,
)
ALONE = ("access", "audit", "long-lists", "sign-in")  # parts that are measured only where they are named


def main() -> int:
    """Measure what was asked for and return the exit code."""
    given = arguments()
    found: dict[str, Any] = {"machine": machine.description()}
    if machine.is_busy(found["machine"]):
        say(f"Other work is using this machine (load {found['machine']['load_before']}): the figures will be noisy.")
    if "signing" in given.parts:
        say("signing, beside openssl speed")
        found["signing"] = signing.measure()
    failed = False
    try:
        with stack.running() as running:
            found["settings"] = settings(running, given)
            if "audit" in given.parts:
                say(f"making {given.events:,} events of the audit trail")
                found["audit"] = audit.measure(
                    running, create_app("web", **running.settings), given.events, export=given.export
                )
                print("\n".join(audit.lines(found["audit"])))
            if "access" in given.parts:
                say(f"giving {access.GRANTS:,} grants")
                found["access"] = access.measure(running, create_app("web", **running.settings))
                print("\n".join(access.lines(found["access"])))
            if "sign-in" in given.parts:
                say("signing in, on one core")
                found["sign_in"] = sign_in.measure(running, create_app("web", **running.settings))
                print("\n".join(sign_in.lines(found["sign_in"])))
                sign_in.require_fast(found["sign_in"])
            if "long-lists" in given.parts:
                say(f"reading a list of {data.MANY:,} rows to its end")
                found["long_lists"] = long_lists.measure(running, create_app("web", **running.settings))
                print("\n".join(long_lists.lines(found["long_lists"])))
            if set(given.parts) - {*ALONE, "signing"}:
                measure(running, given, found)
    except FAILURES as reason:
        print(f"\n{reason}", file=sys.stderr)
        failed = True
    except StopRequestedError:
        print("Stopped.", file=sys.stderr)
        return 1
    if "settings" in found:  # what was measured before something failed counts all the same
        print("\n" + "\n".join(table.lines(found)))
        print(f"\nKept in {keep(found)}")
    return int(failed)


def arguments() -> argparse.Namespace:
    """What to measure, and for how long."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parts = ("pages", "writes", "signing", "certifications")
    parser.add_argument("parts", nargs="*", default=list(parts), help=f"what to measure: {', '.join((*parts, *ALONE))}")
    parser.add_argument(
        "--events", type=int, default=5_000_000, help="of the part audit, which is not made unless named"
    )
    parser.add_argument(
        "--export", type=float, default=0, metavar="SECONDS", help="in the part audit, write an export for so long (0)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="slices for each side (3)")
    parser.add_argument("--seconds", type=int, default=2, help="length of a slice (2)")
    parser.add_argument("--certifications", type=int, default=100, help="requests for each kind of key (100)")
    given = parser.parse_args()
    if unknown := set(given.parts) - {*parts, *ALONE}:
        parser.error(f"there is no part called {', '.join(sorted(unknown))}")
    return given


def measure(running: Stack, given: argparse.Namespace, found: dict[str, Any]) -> None:
    """Everything that needs the product to run."""
    say(f"making {data.MANY:,} tasks")
    app = create_app("web", **running.settings)
    with app.app_context(), running.connect() as connection:
        connection.execute((HERE / "floor.sql").read_text())
        few = data.organisation(connection, "small", data.FEW)
        acme = data.organisation(connection, "acme", data.MANY)
    say("starting product and floor")
    stack.start_everything(running, str(acme.id))
    found["side_by_side"] = []
    if "pages" in given.parts:
        found["queries"] = queries.count(app, few, acme)
        found["weight"] = weight.of_task_list(running, acme)
        compare(running, side_by_side.pages(running, acme), given, found)
    if "writes" in given.parts:
        compare(running, side_by_side.writes(running, acme), given, found)
    if "certifications" in given.parts:
        say("certifications, from request to verdict")
        found["certifications"] = certifications.measure(running, acme, given.certifications)
    if "writes" in given.parts:
        running.stop("worker", "signer")  # their work for these requests would be measured with them
        compare(running, side_by_side.certification_requests(running, acme), given, found)


def compare(
    running: Stack, operations: list[side_by_side.Operation], given: argparse.Namespace, found: dict[str, Any]
) -> None:
    """Ask floor and product in turn."""
    for operation in operations:
        say(operation.name)
        found["side_by_side"].append(
            side_by_side.measure(running, operation, rounds=given.rounds, seconds=given.seconds)
        )


def settings(running: Stack, given: argparse.Namespace) -> dict[str, Any]:
    """How the figures were taken."""
    return {
        "workers": running.workers,
        "connections": load.CONNECTIONS,
        "generator": load.generator(),
        "rounds": given.rounds,
        "seconds": given.seconds,
        "tasks": data.MANY,
    }


def keep(found: dict[str, Any]) -> Path:
    """Write the figures to a file of their own."""
    RESULTS.mkdir(exist_ok=True)
    name = found["machine"]["taken_at"].partition("+")[0].replace(":", "")
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(found, indent=2) + "\n")
    return path


def say(text: str) -> None:
    """Tell the person at the terminal what goes on."""
    print(f"> {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
