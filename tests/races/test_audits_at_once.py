"""Two users on one audit: only one begins it, only one signs it, and a signed audit never changes."""

from backflush.audit.models import Audit, AuditComputation, AuditKey, CheckName, CheckReview
from backflush.audit.services import begin_audit, compute_audit, look_at, request_computation, sign_off
from tests.cast import Plant
from tests.databases import Database
from tests.races.processes import all_went_through, race

CHECKS = [check.value for check in CheckName]


def begins(plant: Plant, key: str = "") -> int:
    return begin_audit(site=plant.site, by=plant.storekeeper, key=key).pk


def signs(plant: Plant, key: str = "") -> int:
    return sign_off(site=plant.site, number=1, by=plant.storekeeper, key=key).pk


def looks(plant: Plant, key: str = "") -> int:
    return look_at(site=plant.site, number=1, check="cancelled", by=plant.storekeeper, key=key).pk


def looked_through(plant: Plant) -> Audit:
    audit = begin_audit(site=plant.site, by=plant.storekeeper)
    compute_audit(audit=audit, by=plant.storekeeper)
    for check in CHECKS:
        look_at(site=plant.site, number=audit.number, check=check, by=plant.storekeeper)
    return audit


def test_only_one_of_several_users_begins_an_audit(committed_plant: Plant, committed_database: Database) -> None:
    outcomes = race(committed_database, *[(begins,)] * 4)
    assert sorted(one.refusal for one in outcomes) == ["", "already_there", "already_there", "already_there"]
    assert Audit.objects.count() == 1


def test_the_same_key_begins_reviews_and_signs_once(committed_plant: Plant, committed_database: Database) -> None:
    assert len({one.answer for one in race(committed_database, *[(begins, "b")] * 4)}) == 1
    compute_audit(audit=Audit.objects.get(), by=committed_plant.storekeeper)
    assert len({one.answer for one in race(committed_database, *[(looks, "l")] * 4)}) == 1
    assert CheckReview.objects.count() == 1
    for check in CHECKS:
        look_at(site=committed_plant.site, number=1, check=check, by=committed_plant.storekeeper)
    outcomes = race(committed_database, *[(signs, "s")] * 4)
    assert all_went_through(outcomes)
    assert AuditKey.objects.count() == 3


def test_only_one_of_several_users_signs_and_no_review_follows(
    committed_plant: Plant, committed_database: Database
) -> None:
    looked_through(committed_plant)
    outcomes = race(committed_database, *[(signs,)] * 3, *[(looks,)] * 3)
    assert all_went_through(outcomes, "audit_signed")
    assert [one.refusal for one in outcomes[:3]].count("") == 1
    audit = Audit.objects.get()
    assert audit.signed_at is not None
    assert not CheckReview.objects.filter(at__gt=audit.signed_at).exists()
    assert CheckReview.objects.count() == len(CHECKS) + [one.refusal for one in outcomes[3:]].count("")


def asks(plant: Plant) -> int:
    return request_computation(audit=Audit.objects.select_related("site").get(), by=plant.storekeeper).pk


def test_concurrent_requests_compute_the_checks_once(committed_plant: Plant, committed_database: Database) -> None:
    begin_audit(site=committed_plant.site, by=committed_plant.storekeeper)
    assert all_went_through(race(committed_database, *[(asks,)] * 3))
    assert not AuditComputation.objects.filter(finished_at__isnull=True).exists()
