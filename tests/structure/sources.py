"""The source of the product, read as syntax trees, and one test for many files: for rules about what is written."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from functools import cache, wraps
from inspect import signature
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), str(path))


@cache
def files(*rooms: str) -> list[Path]:
    """The Python files of some rooms, as "app/core" or "app/config.py"."""
    found = [
        path for room in rooms for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))
    ]
    assert found, f"Nothing in {rooms}: the test looks at the wrong place."
    return sorted(found)


def name_of(path: Path) -> str:
    """A path as the project names it."""
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module and every name that a file imports, with its dots."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def functions(path: Path) -> Iterator[ast.AST]:
    """Every function and method of a file."""
    return (each for each in ast.walk(tree(path)) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))


def calls(node: ast.AST) -> Iterator[ast.Call]:
    """Every call within a node."""
    return (each for each in ast.walk(node) if isinstance(each, ast.Call))


def called(call: ast.Call) -> str:
    """What is called, with its dots as far as they are plain names: "db.session.commit"."""
    return dotted(call.func)


def dotted(node: ast.AST) -> str:
    """An expression of plain names, with its dots; "" for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else f".{node.attr}"
    return ""


@cache
def names_used(path: Path) -> set[str]:
    """Every plain name and attribute that a file mentions outside of its own definitions."""
    found = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names}
    return found


def for_each(**given: Iterable[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make one test that looks at each of these: `@for_each(name=NAMES)`. It fails with all that is wrong.

    A rule that is kept by hundreds of files is one promise, and is told of as one.
    """
    [(name, values)] = given.items()
    values = list(values)
    assert values, "Nothing to look at: the test would say that all is well."

    def one_test(rule: Callable[..., None]) -> Callable[..., None]:
        @wraps(rule)
        def look(**asked: Any) -> None:
            wrong = {}
            for value in values:
                try:
                    rule(**asked, **{name: value})
                except AssertionError as fault:
                    wrong[str(value)] = str(fault)
            assert not wrong, "\n\n".join(f"{value}: {fault}" for value, fault in wrong.items())

        told = signature(rule)
        rest = [parameter for parameter in told.parameters.values() if parameter.name != name]
        look.__signature__ = told.replace(parameters=rest)  # type: ignore[attr-defined]
        return look

    return one_test
