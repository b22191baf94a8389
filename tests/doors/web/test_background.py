"""Background jobs: their progress outlives the page, and Home offers their results."""

import csv
import io
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from python_calamine import CalamineWorkbook

from backflush.background.jobs import KEPT, LEFT_AFTER, stopping, take_up_left, tidy
from backflush.background.models import BackgroundJob, BackgroundJobPart
from backflush.background.worker import work_off
from backflush.ledger.models import Movement
from backflush.people.rights import Role
from backflush.unresolved import background_retry
from backflush.web.lists import export_jobs, files
from backflush.web.unresolved import retry as retry_pages
from tests.cast import Plant
from tests.doors.web.visitors import signed_in, statements, text_of

MANY = 12


@pytest.fixture
def waiting(plant: Plant) -> Plant:
    """Twelve unresolved movements of four bolts each, and forty bolts found since."""
    for _ in range(MANY):
        plant.books(1, "BRACKET")
    plant.finds(40, "BOLT")
    return plant


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat more than three movements as a long queue, and process two per step."""
    monkeypatch.setattr(background_retry, "STEP", 2)
    monkeypatch.setattr(retry_pages, "AT_ONCE_MOST", 3)
    monkeypatch.setattr(retry_pages, "LOOKED_AT_MOST", 5)


@pytest.fixture(autouse=True)
def nobody_stops() -> Iterator[None]:
    """Restore the worker's stop flag afterwards."""
    yield
    stopping.clear()


def begin(client: Client, **view: str) -> BackgroundJob:
    """Press *Retry all in the background*."""
    answer = client.post(reverse("retry-all"), {"view": "&".join(f"{name}={text}" for name, text in view.items())})
    assert answer.status_code == HTTPStatus.FOUND
    return BackgroundJob.objects.get(pk=int(answer.headers["Location"].rstrip("/").rsplit("/", 1)[1]))


def content_of(response: Any) -> bytes:
    """Return the content of a download."""
    assert response.status_code == HTTPStatus.OK
    return b"".join(response.streaming_content)


@pytest.mark.usefixtures("small_steps")
def test_the_preview_of_a_long_retry_covers_the_movements_checked_so_far(waiting: Plant) -> None:
    text = text_of(signed_in(waiting, Role.STORES).get(reverse("retry-page")))
    assert "12 movements have some stock. Of the oldest 5 of these, 5 would be settled now" in text
    assert "Retry all in the background" in text
    assert waiting.waiting() == ["BOLT 4 short"] * MANY


@pytest.mark.usefixtures("small_steps")
def test_the_whole_queue_is_retried_in_steps_and_the_page_shows_the_progress(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = begin(client)
    page = reverse("background-job", args=[background_job.pk])
    assert "The job is queued." in text_of(client.get(page))
    assert waiting.waiting() == ["BOLT 4 short"] * MANY, "nothing is posted before the worker comes"
    assert work_off()
    assert not work_off()
    assert waiting.waiting() == ["BOLT 4 short"] * 2
    assert "10 settled." in text_of(client.get(page))
    assert waiting.balance("BOLT") == 0


@pytest.mark.usefixtures("small_steps")
def test_an_interrupted_retry_continues_where_it_stopped(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = begin(client)
    stopping.set()
    assert work_off()
    background_job.refresh_from_db()
    assert (background_job.done, background_job.counted, background_job.is_finished) == (2, 2, False)
    assert "2 of 12 so far, 2 settled." in text_of(client.get(reverse("background-job", args=[background_job.pk])))
    assert f'href="{reverse("background-job", args=[background_job.pk])}"' in text_of(client.get(reverse("unresolved")))
    stopping.clear()
    assert work_off()
    background_job.refresh_from_db()
    assert (background_job.done, background_job.counted, background_job.is_finished) == (10, 10, True)
    assert Movement.objects.filter(resolves__isnull=False).count() == 10


@pytest.mark.usefixtures("small_steps")
def test_the_next_worker_continues_a_job_that_a_dead_worker_left(waiting: Plant) -> None:
    background_job = begin(signed_in(waiting, Role.STORES))
    DBTaskResult.objects.update(status="RUNNING")
    assert not work_off()
    assert take_up_left() == 0
    BackgroundJob.objects.filter(pk=background_job.pk).update(moved_at=timezone.now() - 2 * LEFT_AFTER)
    assert take_up_left() == 1
    assert work_off()
    background_job.refresh_from_db()
    assert background_job.is_finished


@pytest.mark.usefixtures("small_steps")
def test_only_the_filtered_movements_are_retried(waiting: Plant) -> None:
    waiting.finds(100, "LUG")
    client = signed_in(waiting, Role.STORES)
    begin(client, item="LUG")
    assert work_off()
    assert waiting.waiting() == ["BOLT 4 short"] * MANY


@pytest.mark.usefixtures("small_steps")
def test_a_user_stops_it_and_the_finished_steps_are_kept(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = begin(client)
    stopping.set()
    work_off()
    stopping.clear()
    assert client.post(reverse("background-job-stop", args=[background_job.pk])).status_code == HTTPStatus.FOUND
    work_off()
    text = text_of(client.get(reverse("background-job", args=[background_job.pk])))
    assert "Stopped before the end. The finished steps are kept." in text
    assert waiting.waiting() == ["BOLT 4 short"] * 10
    again = client.post(reverse("background-job-stop", args=[background_job.pk]))
    assert again.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_double_press_starts_one_background_job(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    assert begin(client).pk == begin(client).pk


def test_an_error_ends_the_background_job_and_is_shown(waiting: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = begin(client)

    def fails(**_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(background_retry, "retry_part", fails)
    assert work_off()
    assert "An error occurred. The steps finished before it are kept." in text_of(
        client.get(reverse("background-job", args=[background_job.pk]))
    )
    assert not work_off()


def test_starting_a_retry_needs_its_right(waiting: Plant) -> None:
    client = signed_in(waiting, Role.OPERATOR)
    assert client.get(reverse("retry-page")).status_code == HTTPStatus.FORBIDDEN
    assert client.post(reverse("retry-all"), {"view": ""}).status_code == HTTPStatus.FORBIDDEN
    assert not BackgroundJob.objects.exists()


def test_the_page_of_a_job_says_that_no_worker_runs(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = begin(client)
    BackgroundJob.objects.update(begun_at=timezone.now() - LEFT_AFTER)
    assert "no worker seems to run" in text_of(client.get(reverse("background-job", args=[background_job.pk])))


def test_an_idle_worker_only_reads(plant: Plant) -> None:
    with statements(2):
        assert not work_off()
        assert take_up_left() == 0


# Files


@pytest.fixture
def long_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat more than two rows as a long list, and read three per step."""
    monkeypatch.setattr(export_jobs, "AT_ONCE_MOST", 2)
    monkeypatch.setattr(export_jobs, "STEP_ROWS", 3)
    monkeypatch.setattr(files, "AT_ONCE", 2)


def export(client: Client, name: str, kind: str, **asked: str) -> BackgroundJob:
    """Request a file, and have it made in the background."""
    answer = client.get(reverse(name, args=[kind]), asked)
    assert answer.status_code == HTTPStatus.FOUND
    text = text_of(client.get(answer.headers["Location"]))
    assert "more than 2 rows" in text
    sent = {"list": name.removesuffix("-export").replace("stock", "transactions"), "kind": kind}
    query = "&".join(f"{field}={value}" for field, value in asked.items())
    begun = client.post(reverse("export-begin"), {**sent, "asked": query})
    assert begun.status_code == HTTPStatus.FOUND
    assert work_off()
    return BackgroundJob.objects.latest("pk")


@pytest.mark.usefixtures("long_lists")
def test_a_long_csv_is_made_in_the_background_and_equals_the_list(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = export(client, "stock-export", "csv", item="BOLT")
    assert background_job.outcome == f"{background_job.done} rows, ready to download."
    assert BackgroundJobPart.objects.filter(background_job=background_job).count() == background_job.done // 3 + 1
    rows = list(
        csv.DictReader(
            io.StringIO(content_of(client.get(reverse("background-job-file", args=[background_job.pk]))).decode())
        )
    )
    shown = Movement.objects.filter(item__code="BOLT").order_by("-at", "-id").values_list("pk", flat=True)
    assert [int(row["Movement"]) for row in rows] == list(shown)


@pytest.mark.usefixtures("long_lists")
def test_a_long_workbook_is_made_in_the_background(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = export(client, "unresolved-export", "xlsx", show="fit")
    content = content_of(client.get(reverse("background-job-file", args=[background_job.pk])))
    head, *rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert head[:3] == ["Movement", "Since", "Item"]
    assert [int(str(row[0]).removesuffix(".0")) for row in rows] == [one.pk for one in waiting.queue()]


@pytest.mark.usefixtures("long_lists")
def test_home_offers_a_finished_file_to_the_user_who_requested_it(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = export(client, "stock-export", "csv")
    block = reverse("block", args=["errands"])
    text = text_of(client.get(block))
    assert "Stock transactions as CSV" in text
    assert "ready to download" in text
    other = signed_in(waiting, Role.SUPERVISOR, name="sue")
    assert "Stock transactions as CSV" not in text_of(other.get(block))
    for name in ("background-job", "background-job-file"):
        assert other.get(reverse(name, args=[background_job.pk])).status_code == HTTPStatus.NOT_FOUND
    with statements(12):
        client.get(block)


@pytest.mark.usefixtures("long_lists")
def test_a_file_is_kept_for_a_week(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    background_job = export(client, "stock-export", "csv")
    tidy()
    assert BackgroundJobPart.objects.exists()
    BackgroundJob.objects.update(finished_at=timezone.now() - 2 * KEPT)
    tidy()
    assert not BackgroundJobPart.objects.exists()
    assert "kept for a week and has been deleted" in text_of(
        client.get(reverse("background-job", args=[background_job.pk]))
    )
    assert client.get(reverse("background-job-file", args=[background_job.pk])).status_code == HTTPStatus.NOT_FOUND


def test_a_filter_that_no_list_has_is_refused(waiting: Plant) -> None:
    client = signed_in(waiting, Role.STORES)
    sent = {"list": "transactions", "kind": "csv", "asked": ""}
    assert client.post(reverse("export-begin"), {**sent, "list": "people"}).status_code == HTTPStatus.NOT_FOUND
    for wrong in ({"kind": "pdf"}, {"asked": "x" * 5000}):
        refused = client.post(reverse("export-begin"), {**sent, **wrong})
        assert refused.status_code == HTTPStatus.UNPROCESSABLE_ENTITY, wrong
    assert BackgroundJob.objects.count() == 0
