"""All addresses. Each module has `urlpatterns` of its own, and its line here."""

from django.urls import include, path

urlpatterns = [
    path("", include("backflush.api.urls")),
    path("", include("backflush.web.health")),
    path("", include("backflush.web.measuring")),
    path("", include("backflush.web.entrance")),
    path("", include("backflush.web.home")),
    path("", include("backflush.web.finding")),
    path("", include("backflush.web.booking")),
    path("", include("backflush.web.unresolved")),
    path("", include("backflush.web.retrying")),
    path("", include("backflush.web.errands")),
    path("", include("backflush.web.sending")),
    path("", include("backflush.web.items")),
    path("", include("backflush.web.item_tabs")),
    path("", include("backflush.web.structures")),
    path("", include("backflush.web.setup.checking")),
    path("", include("backflush.web.setup.actions")),
    path("", include("backflush.web.setup.people")),
    path("", include("backflush.web.setup.labels")),
    path("", include("backflush.web.setup.pages")),
    path("", include("backflush.web.stock_map")),
    path("", include("backflush.web.stock")),
    path("", include("backflush.web.movements")),
    path("", include("backflush.web.balances")),
    path("", include("backflush.web.moving")),
    path("", include("backflush.web.opening")),
    path("", include("backflush.web.between")),
    path("", include("backflush.web.orders")),
    path("", include("backflush.web.order")),
    path("", include("backflush.web.by_hand")),
    path("", include("backflush.web.reversing")),
    path("", include("backflush.web.producing")),
    path("", include("backflush.web.receiving")),
    path("", include("backflush.web.purchasing")),
    path("", include("backflush.web.outside")),
    path("", include("backflush.web.periods")),
    path("", include("backflush.web.archives")),
    path("", include("backflush.web.audit")),
]

handler404 = "backflush.web.refusing.not_found"
handler500 = "backflush.web.refusing.failed"
