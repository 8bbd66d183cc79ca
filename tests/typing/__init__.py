"""What type checkers see of the package, without any plugin: checked by mypy and by pyright."""
