"""audit, and verify --record: the audit at the command line."""

from backflush.audit.models import AuditComputation, CheckReview
from backflush.ledger.models import Balance
from tests.cast import Plant
from tests.doors.console import Console

CHECKS = [
    "unresolved",
    "cancelled",
    "revised",
    "never-moved",
    "hand-issues",
    "structures",
    "negative",
    "proof",
]


def test_an_audit_is_begun_reviewed_and_signed_off(plant: Plant, console: Console) -> None:
    plant.books(1, "BRACKET")
    assert "There is no current audit." in console.says("audit")
    told = console.tells("audit", "--begin", "--by", "cora")
    assert (told["audit"]["number"], told["audit"]["begun_by"]) == (1, "cora")
    assert [one["check"] for one in told["audit"]["checks"]] == CHECKS
    assert [one["found"] for one in told["audit"]["checks"]] == [1, 0, None, None, None, None, None, None]
    assert "not computed" in console.says("audit")
    recorded = console.tells("verify", "--record", "--by", "cora")
    assert (recorded["sound"], recorded["audit"]) == (True, 1)
    assert [one["found"] for one in console.tells("audit")["audit"]["checks"]] == [1, 0, 0, 1, 0, 0, 0, 0]
    for check in CHECKS:
        console.says("audit", "--look", check, "--remarks", f"seen {check}", "--by", "cora")
    told = console.tells("audit", "--sign-off", "--remarks", "as it should be", "--by", "cora")
    assert (told["audit"]["signed_by"], told["audit"]["remarks"]) == ("cora", "as it should be")
    said = console.says("audit", 1)
    assert "seen cancelled" in said
    assert "Signed off by cora" in said
    assert console.tells("audit")["audit"] is None
    assert [one["number"] for one in console.tells("audit")["signed"]] == [1]


def test_an_invalid_request_is_refused(plant: Plant, console: Console) -> None:
    assert console.refuses("audit", "--sign-off") == "not_found"
    assert console.refuses("verify", "--record") == "not_found"
    console.says("audit", "--begin")
    assert console.refuses("audit", "--begin") == "already_there"
    assert console.refuses("audit", "--begin", "--sign-off") == "invalid_value"
    assert console.refuses("audit", "--begin", "--until", "soon") == "invalid_value"
    assert console.refuses("audit", "--sign-off") == "not_looked_at"
    assert console.refuses("audit", "--look", "proof") == "not_worked_out"
    assert console.refuses("audit", "--look", "weather") == "invalid_value"
    assert console.refuses("audit", 7) == "not_found"


def test_a_key_records_a_review_once(plant: Plant, console: Console) -> None:
    console.says("audit", "--begin", "--key", "month end")
    console.says("audit", "--begin", "--key", "month end")
    for _ in range(2):
        console.says("audit", "--look", "cancelled", "--key", "look 1")
    assert CheckReview.objects.count() == 1


def test_a_failed_verification_is_stored_and_ends_with_exit_code_one(plant: Plant, console: Console) -> None:
    plant.has(5, "BOLT")
    console.says("audit", "--begin")
    Balance.objects.update(quantity=6)
    result = console.run("verify", "--record")
    assert result.exit_code == 1
    assert "Stored with audit 1." in result.stdout
    assert "BOLT at MAIN/LINE" in result.stdout
    assert AuditComputation.objects.get().counts["proof"] > 0
