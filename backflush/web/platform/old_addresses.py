"""Addresses of earlier versions that people may have bookmarked, each redirected to its page for good."""

from typing import Final

from django.urls import path
from django.views.generic import RedirectView

MOVED: Final = {
    "stock/between/": "transfers",
    "stock/between/send/": "transfer-send",
    "stock/between/arrive/": "transfer-receive",
    "stock/between/note/<str:to>/<path:number>/": "transfer-note",
    "stock/between/sent/<str:to>/<path:number>/": "transfer-sent",
    "stock/between/arrived/<str:source>/<path:number>/": "transfer-received",
    "errands/<int:number>/": "background-job",
    "errands/<int:number>/file/": "background-job-file",
}
"""The name of the page's address now, by the old address."""

urlpatterns = [
    path(old, RedirectView.as_view(pattern_name=name, permanent=True, query_string=True)) for old, name in MOVED.items()
]
