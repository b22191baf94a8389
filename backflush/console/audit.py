"""The proof of the ledger."""

import typer

from backflush.audit.verify import Report, verify
from backflush.console.frame import Desk, Listing, Look, command


def register(app: typer.Typer) -> None:
    """Add `verify`."""
    command(app, "verify", panel=Look.SET_UP)(prove)


def prove(desk: Desk) -> None:
    """Check the whole ledger, of all sites, and say what was checked: that balances equal movements, that nothing is
    negative, made or lost, and that every booking's assumed use is accounted for. It changes nothing. Where a promise
    doesn't hold, the exit code is 1.

    Example: backflush verify
    """
    with desk.progress("Checking", None) as bar:
        report = verify(bar.show)
    desk.answer(_facts(report), *_shown(report))
    if not report.sound:
        desk.fail()


def _facts(report: Report) -> dict[str, object]:
    return {
        "sound": report.sound,
        "faults": report.fault_count,
        "checks": [
            {
                "name": check.name,
                "sentence": check.sentence,
                "counted": check.counted,
                "fault_count": check.fault_count,
                "faults": list(check.faults),
            }
            for check in report.checks
        ],
    }


def _shown(report: Report) -> list[str | Listing]:
    rows = [
        (check.name, check.sentence, f"{check.counted:,}", f"{check.fault_count:,}" if check.fault_count else "holds")
        for check in report.checks
    ]
    shown: list[str | Listing] = [Listing(("Check", "What must hold", "#Tried on", "#Faults"), rows)]
    for check in report.checks:
        shown.extend(f"{check.name}: {fault}" for fault in check.faults)
        if check.fault_count > len(check.faults):
            shown.append(f"{check.name}: {check.fault_count - len(check.faults):,} more faults.")
    shown.append("Every promise holds." if report.sound else f"{report.fault_count:,} faults. Call for help.")
    return shown
