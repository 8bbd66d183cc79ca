"""The rows of both twins: few, with ``NULL`` wherever it may be, and none, one or many of each.

The keys of each model are numbers of their own, so that a key of the wrong model finds nothing.
"""

from datetime import date
from random import Random

from django.apps import apps
from django.db.models import Field, Model

KEYS = {
    "Shelf": [101, 102, 103],
    "Tag": [201, 202, 203],
    "Region": [301, 302],
    "Country": ["aa", "bb", "cc", "dd"],
    "City": [501, 502, 503, 504, 505],
    "Team": [601, 602, 603, 604],
    "Group": [701, 702, 703],
    "Customer": [801, 802, 803, 804, 805, 806, 807],
    "Phone": [901, 902, 903, 904, 905, 906],
    "Order": [1001, 1002, 1003, 1004, 1005, 1006, 1007, 1008, 1009],
    "Line": [1101, 1102, 1103, 1104, 1105, 1106, 1107, 1108],
    "Account": [1201, 1202, 1203, 1204],
    "Card": [801, 803, 806],
}
"""Each model's primary keys; the models in an order in which their rows can be created."""

VALUES = {
    # Lower case and simple: all databases then agree on what is equal, and on the order.
    "CharField": ["", "a", "an", "ann", "b", "bob", "50%"],
    "IntegerField": [-1, 0, 1, 2, 7],
    "DateField": [date(1999, 12, 31), date(2000, 1, 1), date(2000, 7, 1), date(2001, 1, 1)],
    "BooleanField": [False, True],
    "JSONField": [{}, {"n": 1}, {"n": 2, "s": "a"}, {"s": "b", "o": {"p": 1}}, {"l": [1, 2]}],
}
"""The values of each type of column."""


def populate(app: str, seed: int) -> None:
    """Create the rows of ``seed`` in one of the twins."""
    random = Random(seed)
    for name, primary_keys in KEYS.items():
        model = apps.get_model(app, name)
        # Of either twin, the joined one says what there is to fill in.
        fields = apps.get_model("joined", name)._meta.concrete_fields
        model._default_manager.bulk_create(
            model(**{field.attname: _value(field, pk, random) for field in fields})
            for pk in primary_keys
        )
    for name, relation in (("Order", "tags"), ("Customer", "groups")):
        _link(apps.get_model(app, name), relation, random)


def keys(field: Field) -> list:
    """Return the values that a relation to ``field`` may have: of emails there are fewer."""
    name = field.model.__name__
    return KEYS[name] if field.primary_key else [f"m{key}" for key in KEYS[name] if key % 3]


def _value(field: Field, pk: object, random: Random) -> object:
    if field.primary_key:
        return pk
    if field.name == "email":
        return f"m{pk}" if f"m{pk}" in keys(field) else None
    values = VALUES.get(field.get_internal_type())
    if field.is_relation:
        # Nobody's is the last one. A relation to the own model points backwards.
        values = keys(field.target_field)[:-1]
        if field.related_model is field.model:
            values = [key for key in values if key < pk]
        if field.unique:
            values = values[pk % 10 :: 10] if pk % 2 else []
    return None if not values or (field.null and random.random() < 0.3) else random.choice(values)


def _link(model: type[Model], relation: str, random: Random) -> None:
    field = model._meta.get_field(relation)
    source, target = field.m2m_column_name(), field.m2m_reverse_name()
    others = KEYS[field.related_model.__name__]
    field.remote_field.through._default_manager.bulk_create(
        field.remote_field.through(**{source: key, target: other})
        for key in KEYS[model.__name__]
        for other in random.sample(others, random.choice([0, 0, 1, 2]))
    )
