"""A filter that says the same, but leaves Django no room for its slips with negated paths.

They are in :mod:`tests.twins.meaning`. What references leave to Django, within one database, it
gets wrong as well: in other filters than over foreign keys throughout, because there are fewer
joins. Here each condition that is below a negation, and on a path with relations of one database,
is in a subquery of its own, by primary key.
"""

from __future__ import annotations

import ast

from tests.twins.keywords import Keyword


def spelt_out(code: str) -> str:
    """Return ``code`` with subqueries in place of the conditions in question."""
    return ast.unparse(_Speller().visit(ast.parse(code, mode="eval")))


class _Speller(ast.NodeTransformer):
    model = ""
    below_not = False

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.UnaryOp:
        outside, self.below_not = self.below_not, True
        node.operand = self.visit(node.operand)
        self.below_not = outside
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Attribute):  # A method of a queryset.
            node.func = self.visit(node.func)
            outside = self.model, self.below_not
            self.model, self.below_not = _model(node), node.func.attr == "exclude"
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            self.model, self.below_not = outside
        elif node.func.id == "Q" and self.below_not and node.keywords:
            return ast.parse(" & ".join(map(self._spelt_out, node.keywords)), mode="eval").body
        return node

    def _spelt_out(self, comparison: ast.keyword) -> str:
        condition = f"Q({ast.unparse(comparison)})"
        path = Keyword.parse(self.model, comparison.arg).path
        if not all(hop.reference for hop in path):
            return f"Q(pk__in={self.model}.objects.filter({condition}))"
        return condition


def _model(node: ast.AST) -> str:
    while not isinstance(node, ast.Name):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id
