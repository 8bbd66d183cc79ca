"""A key of a type of its own, with converters both ways."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models


@dataclass(frozen=True)
class Badge:
    """A badge's number, as people write it: ``B-7``."""

    number: int

    def __str__(self):
        return f"B-{self.number}"

    def __len__(self):
        return len(str(self))


class BadgeField(models.Field):
    """Stores a :class:`Badge` as an integer."""

    def get_internal_type(self):
        return "IntegerField"

    def from_db_value(self, value, _expression, _connection):
        return None if value is None else Badge(value)

    def to_python(self, value):
        if value is None or isinstance(value, Badge):
            return value
        return Badge(int(str(value).removeprefix("B-")))

    def get_prep_value(self, value):
        return None if value is None else self.to_python(value).number


class BadgeAutoField(models.AutoField):
    """An automatic key that is a :class:`Badge` in Python."""

    from_db_value = BadgeField.from_db_value
    to_python = BadgeField.to_python
    get_prep_value = BadgeField.get_prep_value
