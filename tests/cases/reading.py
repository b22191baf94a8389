"""Reading cases from YAML, strictly: numbers stay as they are written, and what isn't known is an error."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

CASE_KEYS = {"case", "rule", "change", "stock", "steps", "expect"}
PLANT_KEYS = {
    "date",
    "uoms",
    "conversions",
    "item_conversions",
    "locations",
    "actions",
    "type_codes",
    "suppliers",
    "items",
    "structures",
}


class ExactLoader(yaml.SafeLoader):
    """YAML with exact numbers: 0.1 is a Decimal, never a binary float. A key that stands twice is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise ValueError(f"{twice[0]!r} stands twice {node.start_mark}")
        return super().construct_mapping(node, deep)


def _decimal(loader: yaml.SafeLoader, node: Any) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)).replace("_", ""))


ExactLoader.add_constructor("tag:yaml.org,2002:float", _decimal)


@dataclass(frozen=True)
class Case:
    """One worked example, with the plant that it starts from."""

    file: str
    name: str
    plant: Mapping[str, Any]
    change: Mapping[str, Any]
    stock: Mapping[str, Any]
    steps: list[Any]
    expect: Mapping[str, Any]


def load(path: Path) -> Any:
    """A YAML file with exact numbers."""
    return yaml.load(path.read_text(encoding="utf-8"), ExactLoader)


def require_known(found: Collection[str], known: Collection[str], where: str) -> None:
    """Stop at a key that nothing would be done with."""
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def read_cases(path: Path, project: Path) -> Iterator[Case]:
    """The cases of a file or folder; the plant is the folder's own, else the project's."""
    folder = path if path.is_dir() else path.parent
    own = folder / "plant.yaml"
    plant = load(own if own.exists() else project / "plant.yaml")
    require_known(plant, PLANT_KEYS, "plant.yaml")
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    seen: dict[str, str] = {}
    for file in files:
        if file.name == "plant.yaml":
            continue
        for entry in load(file) or ():
            name = entry.get("case", "a case without a name")
            require_known(entry, CASE_KEYS, f"{file.name}: {name}")
            require_known(entry.get("change") or {}, PLANT_KEYS, f"{file.name}: {name}: change")
            if name in seen:
                raise ValueError(f"{file.name}: the case {name!r} stands in {seen[name]} too")
            seen[name] = file.name
            yield Case(
                file.stem,
                name,
                plant,
                entry.get("change") or {},
                entry.get("stock") or {},
                entry.get("steps") or [],
                entry.get("expect") or {},
            )
    if not seen:
        raise ValueError(f"there are no cases in {path}")
