"""What the tour shows. Each section yields lines; what they say was asked of the databases."""

import textwrap
from collections.abc import Callable, Iterator

from django.db.models import QuerySet
from orders.models import Order

from crossdb_reference import DanglingReference

from .queries import Queries, captured_queries
from .tables import table

LISTED = 100
SHOWN = 8
WIDTH = 96
LINES = 2  # of each line of a plan: the keys alone would fill pages


def order_list() -> Iterator[str]:
    """List the newest orders with customer, city and country: prefetched, and one by one."""
    newest = Order.objects.order_by("-placed_at")[:LISTED]
    prefetched, rows = _listed(newest.prefetch_related("customer", "city__country"))
    one_by_one, same_rows = _listed(newest)
    yield from table(("order", "placed", "customer", "city", "country", "amount"), rows[:SHOWN])
    same = "the same" if rows == same_rows else "NOT the same"
    yield f"... and {len(rows) - SHOWN} more; {same} either way, in so many queries:"
    yield ""
    costs = {
        'prefetch_related("customer", "city__country")': prefetched,
        "a plain loop": one_by_one,
    }
    yield from table(
        ("fetched by", *prefetched.counts(), "all", "ms"),
        [
            (name, *queries.counts().values(), queries.total(), round(queries.seconds * 1000))
            for name, queries in costs.items()
        ],
    )


def _listed(orders: QuerySet[Order]) -> tuple[Queries, list[tuple[object, ...]]]:
    """Return the rows of the list, and what fetching them cost."""
    with captured_queries() as queries:
        rows: list[tuple[object, ...]] = [
            (
                str(order.pk),
                f"{order.placed_at:%d %b %H:%M}",
                order.customer.get_full_name(),
                order.city.name,
                order.city.country.name,
                order.amount,
            )
            for order in orders
        ]
    return queries, rows


def saves() -> Iterator[str]:
    """Save an order, its customer and its city, each without ``using``."""
    order = Order.objects.latest("placed_at")
    instances = {"order": order, "order.customer": order.customer, "order.city": order.city}
    rows = []
    for name, instance in instances.items():
        with captured_queries() as queries:
            instance.save()
        rows += [
            (f"{name}.save()", alias, " ".join(statement.split()[:3]) + " ...")
            for alias, statements in queries.sent.items()
            for statement in statements
        ]
    yield from table(("call", "database", "what it received"), rows)


def dangling_key() -> Iterator[str]:
    """Go to a city that does not exist. Nothing is saved."""
    order = Order.objects.latest("placed_at")
    order.city_id = "0"
    yield '>>> order.city_id = "0"'
    yield ">>> order.city"
    try:
        yield repr(order.city)
    except DanglingReference as error:
        yield from textwrap.wrap(f"{type(error).__name__}: {error}", WIDTH)


def reverse_side() -> Iterator[str]:
    """Go back from a customer and a city to their orders."""
    order = Order.objects.latest("placed_at")
    user, city = order.customer, order.city
    calls: dict[tuple[str, str], Callable[[], int]] = {
        ("user.orders.count()", user.get_full_name()): user.orders.count,
        ("city.orders.count()", city.name): city.orders.count,
    }
    rows = []
    for (call, name), count in calls.items():
        with captured_queries() as queries:
            orders = count()
        where = (f"{number} on {alias}" for alias, number in queries.counts().items() if number)
        rows.append((call, name, orders, ", ".join(where)))
    yield from table(("call", "of", "orders", "queries"), rows)


def remote_filter() -> Iterator[str]:
    """Filter orders by what two other databases have, show whose they are, and show the plan."""
    orders = Order.objects.filter(customer__last_name="Smith", city__country__name="Kenya")
    yield '>>> Order.objects.filter(customer__last_name="Smith", city__country__name="Kenya")'
    with captured_queries() as queries:
        found = list(orders.with_remote("customer__first_name", "city__name"))
    rows = [
        (order.customer__first_name, order.city__name, str(order.pk), order.amount)
        for order in found
    ]
    # By Python: no database has both.
    yield from table(("customer__first_name", "city__name", "order", "amount"), sorted(rows))
    asked = ", ".join(f"{number} on {alias}" for alias, number in queries.counts().items())
    yield f"{queries.total()} queries, two of them for the names: {asked}. The filter's plan:"
    yield ""
    for line in orders.only("amount").explain_references().splitlines():
        indent = line[: len(line) - len(line.lstrip())]
        yield from textwrap.wrap(
            line,
            WIDTH,
            subsequent_indent=indent,
            max_lines=LINES,
            placeholder=" ...",
        )
