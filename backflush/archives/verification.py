"""Verify archives: each file is complete, is the one that the database knows, and is a valid part of the ledger."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from backflush.archives.file_format import ArchiveFile, is_archive, opened
from backflush.archives.read_back import reading
from backflush.archives.statements import MOVEMENTS_BY_BALANCE
from backflush.audit.verification import InvariantCheck, Progress, VerificationReport, verify
from backflush.core.quantity import ZERO, from_scaled, written
from backflush.core.refusals import NotFound, Refusal
from backflush.ledger.models import Archive, ArchivedStretch

KeyColumns = tuple[int, int, str, str, str]


def proof_of(file: ArchiveFile, progress: Progress | None = None) -> list[InvariantCheck]:
    """Run the checks of the ledger on the contents of a file."""
    with reading(file):
        return verify(progress).checks


def files_among(paths: Iterable[Path]) -> list[Path]:
    """Return the archive files among some paths: the files given, and all archives in the folders given."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found.extend(sorted(one for one in path.iterdir() if one.is_file() and is_archive(one)))
        elif path.is_file():
            found.append(path)
        else:
            raise NotFound("There is no file {file}.", file=path, field="archive")
    return found


def prove_archives(paths: Sequence[Path], progress: Progress | None = None) -> VerificationReport:
    """Verify the files of all archives that weren't restored. A missing or changed file is a fault."""
    tell = progress or (lambda name, done, total: None)
    report = VerificationReport()
    seen: set[int] = set()
    files = files_among(paths)
    for position, path in enumerate(files):
        tell(f"archive {path.name}", position, len(files))
        report.checks.append(_proved(path, seen))
    standing = Archive.objects.filter(brought_back_at__isnull=True).select_related("site").order_by("site", "number")
    missing = [f"Archive {one} ({one.file}) isn't among the files." for one in standing if one.pk not in seen]
    sentence = "Every archive that the database knows is among the files."
    report.checks.append(InvariantCheck("archives", sentence, len(standing), tuple(missing), len(missing)))
    return report


def _proved(path: Path, seen: set[int]) -> InvariantCheck:
    """Return the check of one file: the number of movements tested, and every fault."""
    sentence = (
        "The file is the one that was written, complete, a valid part of the ledger, and equal to "
        "the totals in the database."
    )
    faults: list[str] = []
    count = 0
    try:
        with opened(path) as file:
            known = _known(file)
            if known is not None:
                seen.add(known.pk)
            faults.extend(_chain_faults(file, known))
            faults.extend(f"{name} was changed." for name in file.damage())
            if not faults:
                count = file.contents.tables["ledger_movement"].rows
                taken_off = _taken_off(known)
                with reading(file):
                    faults.extend(f"{one.name}: {fault}" for one in verify().checks for fault in one.faults)
                    faults.extend(_differences(taken_off))
    except Refusal as refusal:
        faults.append(refusal.sentence)
    return InvariantCheck(path.name, sentence, count, tuple(faults), len(faults))


def _known(file: ArchiveFile) -> Archive | None:
    return Archive.objects.filter(site__code=file.contents.site, number=file.contents.number).first()


def _chain_faults(file: ArchiveFile, known: Archive | None) -> Iterator[str]:
    contents = file.contents
    if known is None:
        yield f"This database has no record of archive {contents.number} of {contents.site}."
        return
    if known.digest != file.digest:
        yield f"It isn't the file of archive {known.number}: its table of contents was changed."
    if known.brought_back_at is not None:
        yield f"Archive {known.number} was restored: its rows are in the database."
    if known.counts != contents.counts:
        yield "Its number of rows differs from the number that was archived."
    before = (
        Archive.objects.filter(site=known.site_id, number=known.number - 1).values_list("digest", flat=True).first()
    )
    if contents.before != (before or ""):
        yield f"It doesn't continue archive {known.number - 1}."


def _taken_off(known: Archive | None) -> Mapping[KeyColumns, list[tuple[int, int, int, Decimal, Decimal]]]:
    """Return the stretches of each balance that the database stores for an archive, in order."""
    stretches = ArchivedStretch.objects.filter(archive=known, after__isnull=False).order_by("last")
    kept: dict[KeyColumns, list[tuple[int, int, int, Decimal, Decimal]]] = {}
    stock_keys = stretches.values_list("item", "location", "bin", "batch", "serial")
    figures = stretches.values_list("first", "last", "count", "change", "after")
    for stock_key, (first, last, count, change, after) in zip(stock_keys, figures, strict=True):
        kept.setdefault(stock_key, []).append((first, last, count, change or ZERO, after or ZERO))
    return kept


def _differences(taken_off: Mapping[KeyColumns, list[tuple[int, int, int, Decimal, Decimal]]]) -> Iterator[str]:
    """Yield each run of movements in a file whose total differs from the one that the database stores."""
    left = {stock_key: list(stretches) for stock_key, stretches in taken_off.items()}
    run: list[tuple[int, Decimal, Decimal]] = []
    for *names, number, change, after in MOVEMENTS_BY_BALANCE.iterate_replanned():
        stock_key: Any = tuple(names)
        run.append((number, from_scaled(change), from_scaled(after)))
        stretches = left.get(stock_key)
        if not stretches or number > stretches[0][1]:
            yield f"Movement {number} is in the file, but the database has no total for it."
            return
        if number == stretches[0][1]:
            yield from _unlike(run, stretches.pop(0))
            run = []
    for stretches in left.values():
        for first, last, *_ in stretches:
            yield f"The database has a total for movements {first} to {last}, but they are not in the file."


def _unlike(run: Sequence[tuple[int, Decimal, Decimal]], kept: tuple[int, int, int, Decimal, Decimal]) -> Iterator[str]:
    first, last, count, change, after = kept
    change_total = sum((by for _, by, _ in run), ZERO)
    if (run[0][0], len(run), change_total, run[-1][2]) != (first, count, change, after):
        yield (
            f"Movements {run[0][0]} to {last}: the file has {len(run)} of them, with a sum of "
            f"{written(change_total)} and a last balance of {written(run[-1][2])}; the database has {count}, "
            f"{written(change)} and {written(after)}."
        )
