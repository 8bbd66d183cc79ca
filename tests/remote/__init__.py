"""Filters through references: one module per question about them."""
