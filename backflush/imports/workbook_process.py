"""Reads a workbook with the library in a process of its own, with a limit of memory.

The library makes room for the whole rectangle of a sheet, and unpacks what the file says: a workbook of a few kilobytes
can ask for more memory than the machine has. Then only this process ends, and the file is refused.

Each line that the process writes is a sheet's number and its name, or its number and a row.
"""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

from python_calamine import CalamineError, CalamineWorkbook

MEMORY_MOST: Final = 1_500_000_000
"""How many bytes the process may have."""
SECONDS_MOST: Final = 300
REFUSED: Final = 3
"""The exit status with which the process says on stderr why the library can't read the file."""


class UnreadableWorkbook(Exception):
    """The library can't read the workbook, or not within the memory."""


def sheets_in(path: Path, *, most: int) -> list[tuple[str, list[list[Any]]]]:
    """Return the name and the rows of each sheet. Raises `UnreadableWorkbook`, also for more than so many cells."""
    sheets: list[tuple[str, list[list[Any]]]] = []
    left = most
    for number, content in _lines_about(path):
        if number == len(sheets):
            sheets.append((content, []))
            continue
        left -= max(len(content), 1)
        if left < 0:
            raise UnreadableWorkbook("it has too many cells")
        sheets[number][1].append([_value(cell) for cell in content])
    return sheets


def _lines_about(path: Path) -> Iterator[tuple[int, Any]]:
    command = [sys.executable, "-m", __name__, str(path.absolute())]
    with subprocess.Popen(  # noqa: S603 - ourselves; the file is an argument and no command
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
    ) as process:
        try:
            assert process.stdout is not None, "it is a pipe"
            yield from map(json.loads, process.stdout)
            assert process.stderr is not None, "it is a pipe"
            why = process.stderr.read(2_000).decode(errors="replace").strip()
            status = process.wait()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
    if status == REFUSED:
        raise UnreadableWorkbook(why)
    if status:
        raise UnreadableWorkbook("it is too large")


def _environment() -> dict[str, str]:
    """Return the environment of the process, without the secrets of this one."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "PYTHONPATH")}
    return {**kept, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}


def _value(cell: Any) -> Any:
    """Return a cell as the library has it."""
    if not isinstance(cell, list):
        return cell
    kind, text = cell
    return {"date": date.fromisoformat, "datetime": datetime.fromisoformat, "time": time.fromisoformat}[kind](text)


def _plain(value: object) -> Any:
    match value:
        case datetime():
            return ["datetime", value.isoformat()]
        case date():
            return ["date", value.isoformat()]
        case time():
            return ["time", value.isoformat()]
        case timedelta():
            return str(value)
    return value


def _main(path: str) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MOST, MEMORY_MOST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MOST, SECONDS_MOST))
    try:
        workbook = CalamineWorkbook.from_path(path)
        for number, name in enumerate(workbook.sheet_names):
            _say([number, name])
            for row in workbook.get_sheet_by_name(name).to_python(skip_empty_area=False):
                _say([number, [_plain(cell) for cell in row]])
    except (CalamineError, ValueError, OverflowError) as error:
        sys.stderr.write(str(error)[:1_000])
        return REFUSED
    return 0


def _say(line: list[Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
