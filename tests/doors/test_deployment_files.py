"""The deployment files: they name existing files, run unprivileged, and contain no secret."""

import re
import shutil
import subprocess
from configparser import RawConfigParser
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from backflush.config import env
from backflush.console.main import MODULES
from backflush.console.serve import ENDS_WITHIN_SECONDS
from backflush.console.worker import STOPS_WITHIN_SECONDS

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text()
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text())
UNITS: Final = sorted((ROOT / "deploy").glob("backflush*"))
COMMANDS: Final = {command for commands in MODULES.values() for command in commands}
# Secrets that are passed to a container or unit and never written down.
NO_VARIABLES: Final = {
    "BACKFLUSH_BEGIN_CODE",
    "CONN_HEALTH_CHECKS",
    "CONN_MAX_AGE",
    "ENGINE",
    "NAME",
    "OPTIONS",
    "IMMEDIATE",
}
SECRETS: Final = ("POSTGRES_PASSWORD", "SECRET_KEY", "METRICS_TOKEN")


def steps() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each on one line."""
    text = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", DOCKERFILE))
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in text.splitlines() if line.strip()]


def test_the_image_runs_as_an_unprivileged_user() -> None:
    last = max(place for place, (word, _) in enumerate(steps()) if word == "FROM")
    words = [word for word, _ in steps()[last:]]
    assert dict(steps()[last:])["USER"] == "backflush"
    assert words.index("USER") < words.index("CMD")
    assert "HEALTHCHECK" in words


def test_every_file_that_the_image_copies_exists_and_is_not_ignored() -> None:
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for word, rest in steps():
        if word != "COPY" or rest.startswith("--from"):
            continue
        for source in rest.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert source in let_through or any(source.startswith(f"{one}/") for one in let_through), source


def test_everything_that_is_installed_into_the_image_is_locked_by_hash() -> None:
    installs = re.findall(r"pip install [^&]+", " ".join(rest for word, rest in steps() if word == "RUN"))
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index" in install
    for file in re.findall(r"-r (requirements/\S+)", " ".join(installs)):
        locked = (ROOT / file).read_text()
        assert len(re.findall(r"(?m)^[\w.-]+(?:\[\w,]+\])?==", locked)) >= 3
        assert not re.search(r"(?m)^(?!\s).*(?<!\\)$", locked.strip()), f"{file} has a requirement without a hash"


def commands_in(words: list[str]) -> list[str]:
    return [after for word, after in pairwise(words) if word.endswith("backflush")]


def test_every_service_runs_an_existing_command() -> None:
    ours = {name: one for name, one in COMPOSE["services"].items() if name != "db"}
    assert {*ours} == {"upgrade", "web", "worker", "backup"}
    for name, service in ours.items():
        words = " ".join(service["command"]).split()
        assert [word for word in commands_in(words) if word in COMMANDS], name


def test_nothing_is_served_before_the_database_is_up_to_date() -> None:
    services = COMPOSE["services"]
    assert services["upgrade"]["depends_on"] == {"db": {"condition": "service_healthy"}}
    for name in ("web", "worker"):
        assert services[name]["depends_on"] == {"upgrade": {"condition": "service_completed_successfully"}}
    assert "healthcheck" in services["db"]
    assert int(services["db"]["image"].split(":")[1]) >= 16
    assert {volume.split(":")[0] for volume in services["db"]["volumes"]} <= {*COMPOSE["volumes"]}


def test_compose_requires_its_variables_and_serves_this_machine_only() -> None:
    text = (ROOT / "compose.yaml").read_text()
    for name in ("POSTGRES_PASSWORD", "SECRET_KEY", "PUBLIC_URL"):
        assert f"${{{name}:?" in text
    assert COMPOSE["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]
    for name, service in COMPOSE["services"].items():
        if name != "db":
            assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"]), name


def test_the_image_has_a_folder_of_its_user_for_every_volume() -> None:
    """A new volume takes its owner from the folder that it covers; without one it belongs to root."""
    owned = re.search(r"install -d -o backflush -g backflush -m 0700 ((?:/\w+ ?)+)", DOCKERFILE)
    assert owned is not None
    for service in COMPOSE["services"].values():
        if service.get("image") == "backflush":
            mounted = {volume.split(":")[1] for volume in service.get("volumes", ())}
            assert mounted <= {*owned[1].split()}


def test_a_stop_waits_until_the_worker_has_finished_its_step() -> None:
    least = ENDS_WITHIN_SECONDS + STOPS_WITHIN_SECONDS
    for name in ("web", "worker"):
        assert int(COMPOSE["services"][name]["stop_grace_period"].removesuffix("s")) > least
    given = re.search(r"(?m)^TimeoutStopSec=(\d+)$", (ROOT / "deploy" / "backflush.service").read_text())
    assert given is not None
    assert int(given[1]) > least


@pytest.mark.parametrize("file", [ROOT / "Dockerfile", ROOT / "compose.yaml", *UNITS], ids=lambda file: file.name)
def test_no_secret_is_written_down(file: Path) -> None:
    for name in SECRETS:
        for value in re.findall(rf"(?m)^\s*{name}\s*[:=]\s*(\S+)", file.read_text()):
            assert value.startswith("${"), f"{file.name} says {name}"
    assert not re.search(r"://\w+:(?!\$)\w+@", file.read_text())


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_unit_runs_an_existing_command(unit: Path) -> None:
    read = RawConfigParser(strict=False)
    read.optionxform = str  # type: ignore[assignment, method-assign]
    read.read(unit)
    assert read["Unit"]["Description"]
    if unit.suffix == ".timer":
        assert (ROOT / "deploy" / unit.name.replace(".timer", ".service")).exists()
        return
    service = read["Service"]
    assert (service["User"], service["NoNewPrivileges"], service["ProtectSystem"]) == ("backflush", "yes", "strict")
    assert [word for word in commands_in(service["ExecStart"].split()) if word in COMMANDS]


def test_all_units_are_hardened_alike() -> None:
    """The nightly backup contains every user's password digest too."""
    after = [unit.read_text().split("NoNewPrivileges=")[1] for unit in UNITS if unit.suffix == ".service"]
    fences = [{line for line in text.split("\n[")[0].splitlines() if line} for text in after]
    assert fences[0] == fences[1]
    assert {"ProtectSystem=strict", "SystemCallFilter=@system-service", "CapabilityBoundingSet="} <= fences[0]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here to read the units")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        # The program isn't installed here, and systemd-analyze checks for it.
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/backflush/bin/backflush", "/bin/true"))
    asked = ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)]
    found = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_the_page_on_deployment_names_every_variable() -> None:
    """`config/env.py` is the source; the table is checked against it."""
    read = set(re.findall(r'"([A-Z][A-Z_]+)"', Path(env.__file__).read_text())) - NO_VARIABLES
    table = set(re.findall(r"(?m)^\| `([A-Z_]+)` \|", (ROOT / "docs" / "deployment.md").read_text()))
    assert table == read
