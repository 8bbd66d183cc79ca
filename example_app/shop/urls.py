"""Two addresses: the list of orders, and Django's own admin."""

from django.contrib import admin
from django.urls import path
from orders.views import order_list

admin.site.site_header = admin.site.site_title = "Shop on three databases"
admin.site.index_title = "Orders, people and places"

urlpatterns = [
    path("", order_list, name="orders"),
    path("admin/", admin.site.urls),
]
