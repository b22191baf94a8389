"""All addresses. Each module has `urlpatterns` of its own, and its line here."""

from django.urls import include, path

urlpatterns = [
    path("", include("backflush.api.urls")),
    path("", include("backflush.web.platform.health")),
    path("", include("backflush.delivery.metrics")),
    path("", include("backflush.web.platform.programs")),
    path("", include("backflush.web.home.account")),
    path("", include("backflush.web.home.views")),
    path("", include("backflush.web.home.search")),
    path("", include("backflush.web.production.book_order")),
    path("", include("backflush.web.unresolved.views")),
    path("", include("backflush.web.unresolved.retry")),
    path("", include("backflush.web.home.background_jobs")),
    path("", include("backflush.web.lists.export_jobs")),
    path("", include("backflush.web.items.views")),
    path("", include("backflush.web.items.orders_and_cost")),
    path("", include("backflush.web.items.structure_editor")),
    path("", include("backflush.web.setup.checks")),
    path("", include("backflush.web.setup.actions")),
    path("", include("backflush.web.setup.users")),
    path("", include("backflush.web.setup.labels")),
    path("", include("backflush.web.setup.views")),
    path("", include("backflush.web.stock.map")),
    path("", include("backflush.web.stock.transactions")),
    path("", include("backflush.web.stock.movement")),
    path("", include("backflush.web.stock.balances")),
    path("", include("backflush.web.stock.manual_move")),
    path("", include("backflush.web.stock.opening_stock")),
    path("", include("backflush.web.stock.transfers")),
    path("", include("backflush.web.production.order_list")),
    path("", include("backflush.web.production.order_detail")),
    path("", include("backflush.web.production.material_issue")),
    path("", include("backflush.web.stock.reversal")),
    path("", include("backflush.web.production.book_without_order")),
    path("", include("backflush.web.purchasing.receipts")),
    path("", include("backflush.web.purchasing.orders")),
    path("", include("backflush.web.purchasing.subcontractors")),
    path("", include("backflush.web.audit.periods")),
    path("", include("backflush.web.audit.archives")),
    path("", include("backflush.web.audit.worksheet")),
]

handler404 = "backflush.web.platform.errors.not_found"
handler500 = "backflush.web.platform.errors.failed"
