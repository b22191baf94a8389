"""The command that checks the set-up."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Annotated

import typer

from backflush.console.output import Desk, HelpSection, Listing, command
from backflush.setup_check.findings import KINDS, SetupFinding, Severity
from backflush.setup_check.selectors import examine

SHOWN = 20
OUTCOME = {
    Severity.REFUSED: "will be refused",
    Severity.UNRESOLVED: "leaves movements unresolved",
    Severity.NOTICE: "worth checking",
}


def register(app: typer.Typer) -> None:
    """Add `doctor`."""
    command(app, "doctor", panel=HelpSection.SET_UP)(doctor)


def doctor(
    desk: Desk,
    every: Annotated[
        bool, typer.Option("--all", help=f"Show every finding instead of the first {SHOWN} of each kind.")
    ] = False,
) -> None:
    """Check the set-up of a site and list what will go wrong, each finding with a remedy. Changes nothing. The exit
    code is 1 if something will be refused, else 0.

    Example: backflush doctor

    Example: backflush doctor --all --json
    """
    findings = examine(desk.site)
    desk.answer(_payload(findings), *_shown(findings, every))
    if any(finding.severity is Severity.REFUSED for finding in findings):
        desk.fail()


def _payload(findings: Sequence[SetupFinding]) -> dict[str, object]:
    return {
        "total": len(findings),
        "refused": sum(finding.severity is Severity.REFUSED for finding in findings),
        "counts": {code: len(list(group)) for code, group in groupby(findings, lambda finding: finding.code)},
        "findings": [
            {
                "code": finding.code,
                "severity": finding.severity,
                "subject": finding.subject,
                "sentence": finding.sentence,
                "remedy": finding.remedy,
            }
            for finding in findings
        ],
    }


def _shown(findings: Sequence[SetupFinding], every: bool) -> Iterator[str | Listing]:
    if not findings:
        yield "The set-up has no problems."
        return
    kinds = [(code, list(group)) for code, group in groupby(findings, lambda finding: finding.code)]
    yield Listing(
        ("#Findings", "Finding", "Consequence"),
        [(f"{len(group):,}", KINDS[code].heading, OUTCOME[KINDS[code].severity]) for code, group in kinds],
    )
    for code, group in kinds:
        yield from _kind(KINDS[code].heading, group, every)
    yield f"{len(findings):,} findings." if len(findings) > 1 else "1 finding."


def _kind(heading: str, findings: Sequence[SetupFinding], every: bool) -> Iterator[str]:
    """Return the findings of one kind; a remedy that several share is printed once."""
    yield f"\n{heading}"
    shown = findings if every else findings[:SHOWN]
    for remedy, group in groupby(sorted(shown, key=lambda finding: finding.remedy), lambda finding: finding.remedy):
        yield from (f"  {finding.sentence}" for finding in group)
        yield f" Remedy: {remedy}"
    if len(findings) > len(shown):
        yield f"  {len(shown):,} of {len(findings):,}. --all shows every one."
