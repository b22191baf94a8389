"""Undo of a background retry: one press, in the background too, newest posting first."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backflush.backflushing.models import Booking
from backflush.background.jobs import LEFT_AFTER, stopping, take_up_left
from backflush.background.models import BackgroundJob
from backflush.background.worker import work_off
from backflush.ledger.models import Key, Posting
from backflush.people.rights import Role
from backflush.unresolved import background_retry
from backflush.unresolved.background_retry import begin_retry, begin_undo
from backflush.unresolved.models import Settlement
from backflush.unresolved.queue import QueueFilter
from tests.cast import Plant
from tests.databases import Database
from tests.doors.web.visitors import signed_in, statements, text_of
from tests.oracle import faults
from tests.races.processes import Worker, killed_before

MANY = 6


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Process two movements per step, and restore the worker's stop flag afterwards."""
    monkeypatch.setattr(background_retry, "STEP", 2)
    yield
    stopping.clear()


def retried(plant: Plant, many: int = MANY) -> BackgroundJob:
    """Movements of four bolts each, all settled by a background retry."""
    for _ in range(many):
        plant.books(1, "BRACKET")
    plant.finds(4 * many, "BOLT")
    background_job = begin_retry(site=plant.site, filters=QueueFilter(), title="Retry of all", by=plant.storekeeper)
    assert work_off()
    background_job.refresh_from_db()
    assert background_job.is_finished
    assert background_job.counted == many
    return background_job


def press(client: Client, background_job: BackgroundJob) -> BackgroundJob:
    """Press *Undo everything*."""
    answer = client.post(reverse("background-job-take-back", args=[background_job.pk]))
    assert answer.status_code == HTTPStatus.FOUND, text_of(answer)
    return BackgroundJob.objects.get(pk=int(answer.headers["Location"].rstrip("/").rsplit("/", 1)[1]))


def first_booking_of(posting: int) -> Booking:
    """Return the first booking of which a posting settled something."""
    settled = Settlement.objects.filter(posting=posting).select_related("movement").order_by("pk")[0]
    return Booking.objects.get(posting=settled.movement.posting_id)


def page_of(client: Client, background_job: BackgroundJob) -> str:
    """Return the text of a background job's page."""
    return text_of(client.get(reverse("background-job", args=[background_job.pk])))


def test_one_press_undoes_a_whole_retry_in_the_background(plant: Plant) -> None:
    retry = retried(plant)
    client = signed_in(plant, Role.SUPERVISOR)
    assert "Undo everything" in page_of(client, retry)
    undoing = press(client, retry)
    assert plant.waiting() == [], "nothing is posted before the worker comes"
    assert work_off()
    assert plant.waiting() == ["BOLT 4 short"] * MANY
    assert plant.balance("BOLT") == 4 * MANY
    text = page_of(client, undoing)
    assert f"{MANY} undone; they are unresolved again." in text
    assert "What could not be undone" not in text
    assert faults(plant.site) == []


def test_postings_are_undone_newest_first_each_under_its_own_key(plant: Plant) -> None:
    retry = retried(plant)
    undoing = press(signed_in(plant, Role.SUPERVISOR), retry)
    work_off()
    postings = background_retry.postings_of(retry)
    assert len(postings) == MANY / 2
    undone = Posting.objects.filter(reverses__in=postings).order_by("pk").values_list("reverses", "key__key")
    assert list(undone) == [(number, f"errand {undoing.pk}, posting {number}") for number in reversed(postings)]


def test_home_offers_it_to_users_who_may_undo_and_only_once(plant: Plant) -> None:
    retry = retried(plant)
    block = reverse("block", args=["errands"])
    sue, jan = signed_in(plant, Role.SUPERVISOR, name="sue"), signed_in(plant, Role.STORES, name="jan")
    assert "Undo everything" not in text_of(jan.get(block))
    with statements(14):
        assert "Undo everything" in text_of(sue.get(block))
    press(sue, retry)
    assert "Undo everything" not in text_of(sue.get(block))
    assert "Taken back: Retry of all" in text_of(jan.get(block)), "what runs is everybody's"


def test_undoing_and_stopping_need_the_right(plant: Plant) -> None:
    retry = retried(plant)
    jan = signed_in(plant, Role.STORES, name="jan")
    assert "Undo everything" not in page_of(jan, retry)
    assert jan.post(reverse("background-job-take-back", args=[retry.pk])).status_code == HTTPStatus.FORBIDDEN
    undoing = press(signed_in(plant, Role.SUPERVISOR, name="sue"), retry)
    assert jan.post(reverse("background-job-stop", args=[undoing.pk])).status_code == HTTPStatus.FORBIDDEN
    assert "Stop it" not in page_of(jan, undoing)


def test_two_users_start_one_background_job_and_a_third_sees_that_it_is_done(plant: Plant) -> None:
    retry = retried(plant)
    sue, ama = signed_in(plant, Role.SUPERVISOR, name="sue"), signed_in(plant, Role.ADMINISTRATOR, name="ama")
    assert press(sue, retry).pk == press(ama, retry).pk
    work_off()
    assert "Undo everything" not in page_of(ama, retry)
    told = ama.post(reverse("background-job-take-back", args=[retry.pk]))
    assert "Nothing that this retry settled is left to reverse." in text_of(told, HTTPStatus.CONFLICT)
    assert not work_off()


def test_a_running_retry_is_stopped_first(plant: Plant) -> None:
    for _ in range(MANY):
        plant.books(1, "BRACKET")
    plant.finds(100, "BOLT")
    retry = begin_retry(site=plant.site, filters=QueueFilter(), title="Retry", by=plant.storekeeper)
    stopping.set()
    work_off()
    client = signed_in(plant, Role.SUPERVISOR)
    told = client.post(reverse("background-job-take-back", args=[retry.pk]))
    assert "The retry is still running. Stop it" in text_of(told, HTTPStatus.UNPROCESSABLE_ENTITY)
    stopping.clear()
    client.post(reverse("background-job-stop", args=[retry.pk]))
    work_off()
    press(client, retry)
    work_off()
    assert plant.waiting() == ["BOLT 4 short"] * MANY


def test_only_a_retry_can_be_undone_this_way(plant: Plant) -> None:
    client = signed_in(plant, Role.SUPERVISOR)
    retry = retried(plant, 1)
    undoing = press(client, retry)
    told = client.post(reverse("background-job-take-back", args=[undoing.pk]))
    assert f"There is no retry {undoing.pk}." in text_of(told, HTTPStatus.UNPROCESSABLE_ENTITY)
    assert client.post(reverse("background-job-take-back", args=[10**6])).status_code == HTTPStatus.NOT_FOUND


def test_postings_that_cannot_be_undone_are_named_with_a_reason_and_the_rest_is_undone(plant: Plant) -> None:
    retry = retried(plant)
    first, second, third = background_retry.postings_of(retry)
    plant.reverses_number(third)
    plant.reverses(first_booking_of(second))
    client = signed_in(plant, Role.SUPERVISOR)
    undoing = press(client, retry)
    work_off()
    text = page_of(client, undoing)
    assert "2 undone; they are unresolved again. 4 could not be undone." in text
    assert f"Posting {third} was undone before." in text
    assert "The booking itself has been reversed, together with its settlements." in text
    for number in (second, third):
        assert f'href="{reverse("reversal", args=[number])}"' in text
    assert [one.posting for one in background_retry.not_taken_back(BackgroundJob.objects.get(pk=undoing.pk))] == [
        third,
        second,
    ]
    assert Posting.objects.get(reverses=first).process == "reversal"
    assert faults(plant.site) == []


def test_a_second_press_names_only_the_postings_that_remain(plant: Plant) -> None:
    retry = retried(plant, 4)
    first, second = background_retry.postings_of(retry)
    plant.reverses(first_booking_of(second))
    client = signed_in(plant, Role.SUPERVISOR)
    press(client, retry)
    work_off()
    again = press(client, retry)
    work_off()
    again.refresh_from_db()
    assert again.outcome == "Nothing was undone. 2 could not be undone."
    assert [one.posting for one in background_retry.not_taken_back(again)] == [second]
    assert Posting.objects.filter(reverses=first).count() == 1


def test_its_page_and_a_step_take_the_same_statements_for_few_and_many(plant: Plant) -> None:
    client = signed_in(plant, Role.SUPERVISOR)
    for many in (2, 20):
        retry = retried(plant, many)
        with statements(16):
            client.get(reverse("background-job", args=[retry.pk]))
        undoing = press(client, retry)
        stopping.set()
        with statements(60):
            assert work_off()
        undoing.refresh_from_db()
        assert undoing.done == 2
        stopping.clear()
        while work_off():
            pass
        with statements(16):
            client.get(reverse("background-job", args=[undoing.pk]))
        # Otherwise the movements that are unresolved again would affect the next round.
        plant.retries()


def takes_one_turn(_: Plant, before: int) -> bool:
    """Run the queue in a process that dies before its n-th statement, if there are that many."""
    with killed_before(before):
        return work_off()


def test_each_posting_is_undone_once_whenever_the_worker_is_killed(
    committed_plant: Plant, committed_database: Database
) -> None:
    plant = committed_plant
    retry = retried(plant)
    undoing = begin_undo(site=plant.site, number=retry.pk, title="Taken back", by=plant.storekeeper)
    killed = 0
    while not BackgroundJob.objects.get(pk=undoing.pk).is_finished:
        # Each process dies a little later than the one before, so one dies at every moment of a step.
        died = Worker(committed_database, takes_one_turn, 1 + 3 * killed).outcome().failure == "died"
        killed += died
        assert killed < 100
        if died:
            BackgroundJob.objects.filter(pk=undoing.pk).update(moved_at=timezone.now() - 2 * LEFT_AFTER)
            take_up_left()
    assert killed >= 10
    undoing.refresh_from_db()
    assert (undoing.done, undoing.counted, undoing.failed) == (MANY, MANY, False)
    postings = background_retry.postings_of(retry)
    assert Posting.objects.filter(reverses__in=postings).count() == len(postings)
    assert Key.objects.filter(key__startswith=f"errand {undoing.pk},").count() == len(postings)
    assert plant.waiting() == ["BOLT 4 short"] * MANY
    assert faults(plant.site) == []
