"""`python -m app.local run|test|release|backup|restore|doctor`: what the Makefile calls when all is installed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import psycopg

from app.local.home import LocalError
from app.local.supervisor import StopRequestedError


def main(arguments: list[str]) -> int:
    """Carry out one command and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m app.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="start everything, until Ctrl-C")
    commands.add_parser("release", help="migrate the database and make missing keys")
    commands.add_parser("doctor", help="say what is missing or wrong")
    commands.add_parser("test", help="run the tests against servers of their own; what follows is for pytest")
    for name, text in (("backup", "write data and keys to a file"), ("restore", "bring data and keys back")):
        commands.add_parser(name, help=text).add_argument("file", type=Path)
    commands.choices["restore"].add_argument("--force", action="store_true", help="put the data that are there aside")
    for_pytest = arguments[1:] if arguments[:1] == ["test"] else []
    given = parser.parse_args(arguments[: len(arguments) - len(for_pytest)])
    try:
        return carry_out(given, for_pytest)
    except LocalError as reason:
        print(f"\n{reason}", file=sys.stderr)
    except (StopRequestedError, KeyboardInterrupt):
        print("\nStopped.", file=sys.stderr)
    except psycopg.Error as error:
        print(f"\nThe database refused: {str(error).strip()}", file=sys.stderr)
    except OSError as error:
        advice = ". Does the state folder belong to another user?" if isinstance(error, PermissionError) else ""
        print(f"\n{error}{advice}", file=sys.stderr)
    return 1


def carry_out(given: argparse.Namespace, for_pytest: list[str]) -> int:
    """Import what the command needs, and only that, then do it."""
    if given.command == "run":
        from app.local.run import run  # noqa: PLC0415 each command starts quickly, without the others' imports

        run()
        return 0
    if given.command == "test":
        from app.local.testing import run_tests  # noqa: PLC0415

        return run_tests(for_pytest)
    if given.command == "doctor":
        from app.local.doctor import examine  # noqa: PLC0415

        return examine()
    if given.command == "release":
        from app.local.run import run_release  # noqa: PLC0415

        return run_release()
    from app.local import backup  # noqa: PLC0415

    if given.command == "backup":
        backup.back_up(given.file)
    else:
        backup.restore(given.file, force=given.force)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
