"""Orders: they refer to customers and cities, which live in two other databases."""
