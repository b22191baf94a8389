"""Read worked cases from YAML strictly: numbers keep their exact value, and an unknown key is an error.

The tables below are the whole format, also where the project doesn't implement an operation yet (`unbuilt_rules.py`).
`README.md` explains each field.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
    "adjustment",
}
ENTRY_KEYS: Mapping[str, frozenset[str]] = {
    "conversions": frozenset({"from", "to", "factor"}),
    "item_conversions": frozenset({"item", "from", "to", "factor"}),
    "locations": frozenset({"code", "balance", "bins"}),
    "actions": frozenset({"name", "type", "rules", "short", "retry", "use", "issued", "batches", "places"}),
    "type_codes": frozenset({"code", "complete", "backflush", "issue", "return"}),
    "suppliers": frozenset({"code", "stock"}),
    "items": frozenset(
        {"code", "class", "type", "uom", "decimals", "cost", "tracking", "obsolete", "backflush_from"},
    ),
}
"""The keys of an entry in each list of the plant."""

LINE_KEYS = frozenset(
    {"line", "item", "qty", "uom", "waste", "start", "end", "by_hand", "fixed", "from", "supplier_provides"}
    | {"substitutes", "gives", "to"}
)
"""The keys of a structure line."""

STOCK_KEYS = frozenset({"qty", "bin", "batch", "serial", "expires"})
_POSTING = frozenset({"at", "key"})
_PIECES = frozenset({"batch", "bin", "serials"})
OPERATION_KEYS: Mapping[str, frozenset[str]] = {
    "works_order": frozenset({"number", "item", "qty", "uom", "at", "due"}),
    "release": frozenset({"number"}),
    "complete_order": frozenset({"number"}),
    "reset_order": frozenset({"number"}),
    "book": frozenset({"order", "good", "scrap", "use"}) | _POSTING | _PIECES,
    "produce": frozenset({"item", "good", "scrap", "use"}) | _POSTING | _PIECES,
    "purchase_order": frozenset({"number", "supplier", "item", "qty", "uom", "receive_action", "at"}),
    "receive": frozenset({"order", "qty", "rejected", "use"}) | _POSTING | _PIECES,
    "issue": frozenset({"order", "item", "qty"}) | _POSTING | _PIECES,
    "return": frozenset({"order", "item", "qty"}) | _POSTING | _PIECES,
    "move": frozenset({"action", "item", "qty", "from", "to", "from_bin", "to_bin", "batch", "serials"}) | _POSTING,
    "resolve": frozenset({"item", "qty", "from", "remainder"}) | _POSTING | _PIECES,
    "cancel": frozenset({"item", "remarks"}) | _POSTING,
    "retry": _POSTING,
    "reverse": _POSTING,
    "correct": frozenset({"of", "line", "qty", "reason"}) | _POSTING,
    "take_back": frozenset({"of", "good", "scrap"}) | _POSTING,
    "count": frozenset({"item", "location", "qty", "bin", "batch", "serial"}) | _POSTING,
    "standard_cost": frozenset({"item", "material"}),
    "structure": frozenset({"item", "lines"}),
    "rule": frozenset({"action", "from", "to"}),
    "close_period": frozenset({"through", "unresolved"}),
    "reopen_period": frozenset({"through", "remarks"}),
}
"""The fields of each operation. An operation may have its only field without a mapping, such as `release: W1`."""

EXPECT_KEYS = frozenset(
    {"movements", "balances", "orders", "unresolved", "material_cost", "lines", "counts", "usage_variance"}
)


class ExactLoader(yaml.SafeLoader):
    """A YAML loader with exact numbers: 0.1 is a `Decimal`, never a binary float. A repeated key is an error."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise ValueError(f"the key {twice[0]!r} is repeated {node.start_mark}")
        return super().construct_mapping(node, deep)


def _decimal(loader: yaml.SafeLoader, node: Any) -> Decimal:
    return Decimal(str(loader.construct_scalar(node)).replace("_", ""))


ExactLoader.add_constructor("tag:yaml.org,2002:float", _decimal)


@dataclass(frozen=True)
class Case:
    """One worked case, with the plant that it starts from and the codes of the rules that it shows."""

    file: str
    name: str
    rules: Sequence[str]
    plant: Mapping[str, Any]
    change: Mapping[str, Any]
    stock: Mapping[str, Any]
    steps: list[Any]
    expect: Mapping[str, Any]


def load(path: Path) -> Any:
    """Return the content of a YAML file, with exact numbers."""
    return yaml.load(path.read_text(encoding="utf-8"), ExactLoader)


def require_known(found: Collection[str], known: Collection[str], where: str) -> None:
    """Refuse keys that are not part of the format, so that a misspelt field isn't ignored."""
    unknown = sorted(set(found) - set(known))
    if unknown:
        raise ValueError(f"{where}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}")


def read_cases(path: Path, project: Path) -> Iterator[Case]:
    """Yield the cases of a file or folder. The plant is the folder's own, otherwise the project's."""
    folder = path if path.is_dir() else path.parent
    own = folder / "plant.yaml"
    plant = load(own if own.exists() else project / "plant.yaml")
    _require_plant_format(plant, "plant.yaml")
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    seen: dict[str, str] = {}
    for file in files:
        if file.name == "plant.yaml":
            continue
        for entry in load(file) or ():
            case = _case(file, entry, plant)
            if case.name in seen:
                raise ValueError(f"{file.name}: the case {case.name!r} is in {seen[case.name]} too")
            seen[case.name] = file.name
            yield case
    if not seen:
        raise ValueError(f"there are no cases in {path}")


def _case(file: Path, entry: Mapping[str, Any], plant: Mapping[str, Any]) -> Case:
    name = entry.get("case", "a case without a name")
    where = f"{file.name}: {name}"
    require_known(entry, CASE_KEYS, where)
    change = entry.get("change") or {}
    _require_plant_format(change, f"{where}: change")
    stock = entry.get("stock") or {}
    for place, given in stock.items():
        for part in given if isinstance(given, list) else [given]:
            if isinstance(part, Mapping):
                require_known(part, STOCK_KEYS, f"{where}: stock {place}")
    steps = entry.get("steps") or []
    for step in steps:
        _require_step_format(step, where)
    expect = entry.get("expect") or {}
    require_known(expect, EXPECT_KEYS, f"{where}: expect")
    return Case(file.stem, name, str(entry.get("rule", "")).split(), plant, change, stock, steps, expect)


def _require_plant_format(plant: Mapping[str, Any], where: str) -> None:
    require_known(plant, PLANT_KEYS, where)
    for key, known in ENTRY_KEYS.items():
        for entry in plant.get(key, ()):
            if isinstance(entry, Mapping):
                require_known(entry, known, f"{where}: {key}")
    for item, structure in plant.get("structures", {}).items():
        _require_structure_format(structure, f"{where}: structure of {item}")


def _require_structure_format(structure: Any, where: str) -> None:
    if isinstance(structure, Mapping):
        require_known(structure, {"for", "lines"}, where)
        structure = structure["lines"]
    for line in structure:
        require_known(line, LINE_KEYS, where)


def _require_step_format(step: Mapping[str, Any], where: str) -> None:
    operations = [key for key in step if key not in {"error", "expect"}]
    if len(operations) != 1:
        raise ValueError(f"{where}: a step is one operation: {step}")
    (operation,) = operations
    require_known(operations, OPERATION_KEYS, where)
    fields = step[operation]
    if isinstance(fields, Mapping):
        require_known(fields, OPERATION_KEYS[operation], f"{where}: {operation}")
        if operation == "structure":
            _require_structure_format(fields["lines"], f"{where}: structure")
    require_known(step.get("expect") or {}, EXPECT_KEYS, f"{where}: expect after {operation}")
