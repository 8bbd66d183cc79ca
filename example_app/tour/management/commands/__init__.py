"""``manage.py demo`` and ``manage.py serve``."""
