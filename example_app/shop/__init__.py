"""The example project: a shop whose orders, people and places live in three databases."""
