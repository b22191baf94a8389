"""The first page of a new process is as fast as the next, because everything it needs is loaded at the start."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
NOBODY_THERE = "postgres://nobody@127.0.0.1:1/none"

LOADED = """
from backflush.config.wsgi import application
from django.template import engines
from django.template.loader import get_template
from django.urls import get_resolver
from django.test import Client

assert get_resolver()._populated
(cached,) = engines["django"].engine.template_loaders
before = {*cached.get_template_cache}
for name in ("web/home/home.html", "web/unresolved/queue.html", "web/stock/transactions.html"):
    get_template(name)
assert before and {*cached.get_template_cache} == before
print(Client(headers={"host": "localhost"}).get("/health/").status_code)
"""


def test_a_fresh_process_has_loaded_what_a_page_needs_and_starts_without_the_database() -> None:
    settings = os.environ | {"DATABASE_URL": NOBODY_THERE, "SECRET_KEY": "k" * 50}
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )
    assert (done.stdout.strip(), done.returncode) == ("200", 0), done.stderr
