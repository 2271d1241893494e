"""What Jinja makes of our templates, without what none of them needs: a page writes thousands of words.

Jinja makes Markup of each word that it writes, to join it to others a moment later, and looks at whatever a template
calls for a wish to be handed the context. Of the latter we have nothing.
"""

from __future__ import annotations

from functools import lru_cache
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Call, Expr, Template
from jinja2.runtime import Context, Macro
from markupsafe import Markup, _escape_inner

_SIMPLE = frozenset({FunctionType, MethodType, BuiltinMethodType, type(lru_cache(str))})


def written(value: Any) -> str:
    """A value as it stands in a page: `escape` of it, but as plain text, which is only joined to what is around it."""
    kind = type(value)
    if kind is str:
        return _escape_inner(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    return value.__html__() if hasattr(value, "__html__") else _escape_inner(str(value))


class PageContext(Context):
    """The context of a template, which calls what is called there."""

    def call(self, called: Any, /, *args: Any, **named: Any) -> Any:
        """Call a macro or a function of ours; anything else as Jinja does."""
        kind = type(called)
        if kind is Macro:
            return called(self.eval_ctx, *args, **named)
        if kind in _SIMPLE and not hasattr(called, "jinja_pass_arg"):
            return called(*args, **named)
        return super().call(called, *args, **named)


class PageCode(CodeGenerator):
    """Writes the Python code of a template."""

    def visit_Template(self, node: Template, frame: Frame | None = None) -> None:  # noqa: N802 (as Jinja calls it)
        """The whole of it."""
        self.writeline(f"from {__name__} import {written.__name__}")
        super().visit_Template(node, frame)

    def visit_Call(self, node: Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: N802
        """A call, without the variables of loops and blocks for a function that is handed the context."""
        self.write("context.call(")
        self.visit(node.node, frame)
        self.signature(node, frame, {"caller": "caller"} if forward_caller else None)
        self.write(")")

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write(f"{written.__name__}(")
        else:
            super()._output_child_pre(node, frame, finalize)
