"""Commands to verify the ledger and to audit the assumptions."""

from pathlib import Path
from typing import Annotated, Any

import typer

from backflush.archives.verification import prove_archives
from backflush.audit.checks import COUNTED_MOST, WORKED_OUT, last_computation, latest_looks, listed
from backflush.audit.models import Audit, AuditComputation, CheckFinding, CheckName, CheckReview
from backflush.audit.selectors import audit_at_work, audit_numbered, audits
from backflush.audit.services import begin_audit, compute_audit, look_at, sign_off
from backflush.audit.verification import InvariantCheck, VerificationReport, verify
from backflush.console.options import LIMIT, REMARKS
from backflush.console.output import Desk, Listing, command, of_all
from backflush.console.output import HelpSection as Panel
from backflush.core.input_values import read_day
from backflush.core.refusals import InvalidValue, NotFound
from backflush.ledger.models import Archive


def register(app: typer.Typer) -> None:
    """Add `verify` and `audit`."""
    command(app, "verify", panel=Panel.SET_UP, posts=True)(prove)
    command(app, "audit", panel=Panel.SET_UP, posts=True)(audit)


def prove(
    desk: Desk,
    record: Annotated[
        bool, typer.Option("--record", help="Store the result with the current audit, and compute its slow checks.")
    ] = False,
    archive: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE", help="Verify archive files too: a file, or a folder of files.", show_default=False
        ),
    ] = None,
) -> None:
    """Check the whole ledger of all sites: that balances equal movements, that nothing is negative, lost or created,
    and that the assumed use of every booking is accounted for. Changes nothing. The exit code is 1 if a check fails.

    Example: backflush verify

    Example: backflush verify --record

    Example: backflush verify --archive /var/archives
    """
    at_work = _at_work(desk) if record else None
    with desk.progress("Checking", None) as bar:
        if at_work is None:
            report = verify(bar.show)
        else:
            report = _report_of(compute_audit(audit=at_work, by=desk.by, progress=bar.show))
        if archive:
            report.checks.extend(prove_archives([Path(one) for one in archive], bar.show).checks)
    kept = [] if at_work is None else [f"Stored with audit {at_work.number}."]
    kept += _unproved(archive)
    desk.answer(_payload(report) | ({"audit": at_work.number} if at_work else {}), *_shown(report), *kept)
    if not report.sound:
        desk.fail()


def _unproved(archive: list[str] | None) -> list[str]:
    """Say that archives hold part of the ledger, if their files weren't given."""
    standing = Archive.objects.filter(brought_back_at__isnull=True).count()
    if archive or not standing:
        return []
    return [
        (
            f"{standing:,} archives were counted by their stored totals. To verify their files too: "
            "backflush verify --archive FOLDER"
        )
    ]


def _report_of(computation: AuditComputation) -> VerificationReport:
    """Return the stored result of a computation as a report."""
    faults: dict[str, list[str]] = {}
    for finding in CheckFinding.objects.filter(computation=computation, check_name=CheckName.PROOF).order_by(
        "position"
    ):
        faults.setdefault(finding.line["kind"], []).append(finding.line["why"])
    return VerificationReport(
        [
            InvariantCheck(
                one["name"], one["sentence"], one["counted"], tuple(faults.get(one["name"], ())), one["faults"]
            )
            for one in computation.invariants
        ]
    )


def _payload(report: VerificationReport) -> dict[str, object]:
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


def _shown(report: VerificationReport) -> list[str | Listing]:
    rows = [
        (check.name, check.sentence, f"{check.counted:,}", f"{check.fault_count:,}" if check.fault_count else "holds")
        for check in report.checks
    ]
    shown: list[str | Listing] = [Listing(("Code", "Check", "#Checked", "#Faults"), rows)]
    for check in report.checks:
        shown.extend(f"{check.name}: {fault}" for fault in check.faults)
        if check.fault_count > len(check.faults):
            shown.append(f"{check.name}: {check.fault_count - len(check.faults):,} more faults.")
    shown.append(
        "All checks passed." if report.sound else f"{report.fault_count:,} faults found. Stop posting and get help."
    )
    return shown


def audit(
    desk: Desk,
    number: Annotated[
        int, typer.Argument(metavar="[NUMBER]", help="The audit. Default: the current one.", show_default=False)
    ] = 0,
    begin: Annotated[bool, typer.Option("--begin", help="Begin an audit.")] = False,
    until: Annotated[
        str,
        typer.Option(
            metavar="DAY",
            help="With --begin: include movements recorded until the end of this day. Default: now.",
            show_default=False,
        ),
    ] = "",
    look: Annotated[
        str, typer.Option(metavar="CHECK", help="Record that you reviewed this check.", show_default=False)
    ] = "",
    sign: Annotated[bool, typer.Option("--sign-off", help="Sign the audit off, once every check is reviewed.")] = False,
    remarks: REMARKS = "",
    key: Annotated[
        str,
        typer.Option(
            metavar="KEY",
            help="Idempotency key: a request that is sent again under the same key is carried out once.",
            show_default=False,
        ),
    ] = "",
    limit: LIMIT = 20,
) -> None:
    """Show the current audit, check by check, and the last signed-off ones. Begin an audit, record that you reviewed a
    check, or sign the audit off. `backflush verify --record` computes the checks that read the whole ledger.

    Example: backflush audit

    Example: backflush audit --begin --until 2026-03-31

    Example: backflush audit --look cancelled --remarks "two slips, both explained"

    Example: backflush audit --sign-off
    """
    if sum((begin, bool(look), sign)) > 1:
        raise InvalidValue("Give one of --begin, --look and --sign-off.", field="audit")
    if begin:
        number = begin_audit(
            site=desk.site, by=desk.by, until=read_day(until, field="until") if until else None, key=key
        ).number
    elif look or sign:
        number = number or _at_work(desk).number
        if look:
            look_at(site=desk.site, number=number, check=look, by=desk.by, remarks=remarks, key=key)
        else:
            sign_off(site=desk.site, number=number, by=desk.by, remarks=remarks, key=key)
    one = audit_numbered(desk.site, number) if number else audit_at_work(desk.site)
    last = list(audits(desk.site)[:limit] if limit else audits(desk.site))
    total = audits(desk.site).count()
    payload = {"audit": _audit_payload(one) if one else None, "total": total, "signed": [_head(past) for past in last]}
    desk.answer(payload, *(_worksheet(desk, one) if one else ["There is no current audit."]), *_past(desk, last, total))


def _at_work(desk: Desk) -> Audit:
    found = audit_at_work(desk.site)
    if found is None:
        raise NotFound("There is no current audit. To begin one: backflush audit --begin", field="audit")
    return found


def _head(one: Audit) -> dict[str, Any]:
    return {
        "number": one.number,
        "since": one.since,
        "until": one.until,
        "begun_by": one.begun_by.username,
        "begun_at": one.begun_at,
        "signed_by": one.signed_by.username if one.signed_by else None,
        "signed_at": one.signed_at,
        "remarks": one.remarks,
    }


def _audit_payload(one: Audit) -> dict[str, Any]:
    return _head(one) | {
        "checks": [
            {
                "check": check.value,
                "found": found,
                "looked_at_by": look.by.username if look else None,
                "looked_at": look.at if look else None,
                "found_then": look.count if look else None,
                "remarks": look.remarks if look else "",
            }
            for check, found, look in _steps(one)
        ]
    }


def _steps(one: Audit) -> list[tuple[CheckName, int | None, CheckReview | None]]:
    """Return each check with its count (None: not computed yet) and the last review."""
    looks, done = latest_looks(one), last_computation(one)
    steps: list[tuple[CheckName, int | None, CheckReview | None]] = []
    for check in CheckName:
        look = looks.get(check)
        if one.signed_at is not None:
            found = look.count if look else None
        elif check in WORKED_OUT:
            found = done.counts.get(check.value) if done else None
        else:
            found = listed(one, check).count()
        steps.append((check, found, look))
    return steps


def _worksheet(desk: Desk, one: Audit) -> list[str | Listing]:
    since = f"from {desk.when(one.since)}" if one.since else "from the beginning"
    title = f"Audit {one.number}: recorded {since} to {desk.when(one.until)}, begun by {one.begun_by.name}"
    rows = [
        (
            check.value,
            _found(found),
            look.by.name if look else "to review",
            desk.when(look.at) if look else "",
            look.remarks if look else "",
        )
        for check, found, look in _steps(one)
    ]
    signed = f"Signed off by {_signer(one)} on {desk.when(one.signed_at)}." if one.signed_at else ""
    table = Listing(("Check", "#Found", "Reviewed by", "When", "Remarks"), rows, title=title)
    return [table, signed] if signed else [table]


def _found(count: int | None) -> str:
    if count is None:
        return "not computed"
    return f"more than {COUNTED_MOST:,}" if count > COUNTED_MOST else f"{count:,}"


def _past(desk: Desk, last: list[Audit], total: int) -> list[str | Listing]:
    if not last:
        return ["No audit has been signed off."]
    rows = [
        (str(one.number), desk.when(one.until), _signer(one), desk.when(one.signed_at), one.remarks)
        for one in last
        if one.signed_at
    ]
    return [Listing(("#Audit", "Until", "Signed off by", "When", "Remarks"), rows), of_all(len(last), total, "audits")]


def _signer(one: Audit) -> str:
    return one.signed_by.name if one.signed_by else ""
