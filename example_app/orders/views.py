"""The list of orders: the one page of the site."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from tour.queries import captured_queries

from .models import Order

ROWS_PER_PAGE = 50


def order_list(request: HttpRequest) -> HttpResponse:
    """One page of orders, newest first, and what it cost each database.

    ``?prefetch=no`` shows the same page as a plain loop would fetch it. The template prints the
    counts below the table, so that they include the queries which the table itself made.
    """
    prefetch = request.GET.get("prefetch") != "no"
    orders = Order.objects.order_by("-placed_at", "-pk")
    if prefetch:
        orders = orders.prefetch_related("customer", "city__country")
    with captured_queries() as queries:
        page = Paginator(orders, ROWS_PER_PAGE).get_page(request.GET.get("page"))
        context = {"page": page, "prefetch": prefetch, "queries": queries}
        return render(request, "orders/order_list.html", context)
