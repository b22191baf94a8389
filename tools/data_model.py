"""Draw the data model as docs/data-model.svg, from the models themselves.

    .venv/bin/python tools/data_model.py            write the picture
    .venv/bin/python tools/data_model.py --check    fail if the picture isn't what the models say

Every table is a box with its columns; the boxes are ordered as the packages are layered, downwards and then to the
right. A line leads from a foreign key to the table that it references. Tables that most others reference (HUBS) are
named in the column only, because lines to them would hide all other lines. The drawing depends on the models alone,
so the same models always give the same bytes.
"""

import os
import sys
from collections import Counter
from dataclasses import dataclass
from html import escape
from inspect import cleandoc
from pathlib import Path
from typing import Any

import django

os.environ["DATABASE_URL"] = "sqlite://:memory:"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backflush.config.settings")
django.setup()

from django.db.models import ForeignKey, Model  # noqa: E402 - models need Django set up

from backflush.operations.tables import columns_of, models_of_rooms  # noqa: E402

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "data-model.svg"
HUB_REFERENCES_MIN = 8
COLUMNS = 7
ROW, HEADER, GAP, PACKAGE = 15, 22, 14, 30
WIDTH, GUTTER, MARGIN, TITLE = 236, 64, 40, 64
TYPES = {
    "BigAutoField": "key",
    "BigIntegerField": "whole number",
    "BinaryField": "bytes",
    "BooleanField": "yes or no",
    "TextField": "text",
    "CharField": "text",
    "DateField": "date",
    "DateTimeField": "moment",
    "EmailField": "text",
    "ExactDecimalField": "decimal",
    "IntegerField": "whole number",
    "JSONField": "JSON",
    "PositiveIntegerField": "whole number",
    "PositiveSmallIntegerField": "whole number",
    "QuantityField": "decimal, 6 places",
    "RatioField": "ratio",
    "SmallIntegerField": "whole number",
}
TINTS = ("#2f6f8f", "#8a5a14", "#3d7a3f", "#7a4a8c", "#a3402f", "#1f6f66", "#5a5f8a", "#7a6a1c", "#8c3f66", "#4d6b2a")


@dataclass(frozen=True)
class Box:
    """A table with its place in the picture."""

    model: type[Model]
    column: int
    x: int
    y: int
    tint: str

    @property
    def height(self) -> int:
        """The header and a row for each column of the table."""
        return height_of(self.model)


@dataclass(frozen=True)
class Heading:
    """The name of a package, above its first box and again at the top of the next column."""

    text: str
    x: int
    y: int
    tint: str


def main() -> None:
    """Write the picture, or compare it with the file."""
    drawn = picture()
    if "--check" not in sys.argv[1:]:
        PICTURE.write_text(drawn, encoding="utf-8")
        print(f"{PICTURE.name}: {len(models_of_rooms())} tables")
    elif not PICTURE.exists() or PICTURE.read_text(encoding="utf-8") != drawn:
        sys.exit("docs/data-model.svg isn't what the models say. Draw it again: .venv/bin/python tools/data_model.py")


def picture() -> str:
    """Return the whole picture as SVG."""
    headings, boxes = layout(models_of_rooms())
    by_model = {box.model: box for box in boxes}
    hubs = hubs_among(by_model)
    lines = [line for box in boxes for line in lines_from(box, by_model, hubs)]
    width = MARGIN * 2 + COLUMNS * WIDTH + (COLUMNS - 1) * GUTTER
    height = max(box.y + box.height for box in boxes) + MARGIN
    named = ", ".join(sorted(hub.__name__ for hub in hubs))
    caption = (
        f"Lines lead from a foreign key to the table it references; references to {named} are only named. "
        "“?” marks a column that may be empty, “=” one that is unique. Every table also has the key id."
    )
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="Inter, Helvetica, Arial, sans-serif" font-size="11" fill="#1d2730" role="img" '
        'aria-labelledby="title caption">'
    )
    parts = [
        opening,
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text id="title" x="{MARGIN}" y="30" font-size="18" font-weight="700">The data model of Backflush</text>',
        f'<text id="caption" x="{MARGIN}" y="50" fill="#52606b">{escape(caption)}</text>',
        *lines,
        *(drawn_heading(heading) for heading in headings),
        *(drawn_box(box) for box in boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def layout(models: list[type[Model]]) -> tuple[list[Heading], list[Box]]:
    """Fill the columns one after the other, each up to an equal share of the whole height."""
    packages = list(dict.fromkeys(package_of(model) for model in models))
    share = (sum(height_of(model) + GAP for model in models) + len(packages) * PACKAGE) / COLUMNS
    headings: list[Heading] = []
    boxes: list[Box] = []
    column, y, before = 0, TITLE, ""
    for model in models:
        package = package_of(model)
        tint = TINTS[packages.index(package) % len(TINTS)]
        needed = height_of(model) + (PACKAGE if package != before else 0)
        if y > TITLE and y - TITLE + needed / 2 > share and column < COLUMNS - 1:
            column, y, before = column + 1, TITLE, ""
        x = MARGIN + column * (WIDTH + GUTTER)
        if package != before:
            y += PACKAGE
            headings.append(Heading(package, x, y - 9, tint))
            before = package
        boxes.append(Box(model, column, x, y, tint))
        y += height_of(model) + GAP
    return headings, boxes


def package_of(model: type[Model]) -> str:
    """Return the package in which a model is defined; its app label may differ."""
    return model.__module__.split(".")[1]


def height_of(model: type[Model]) -> int:
    """Return the height of a model's box."""
    return HEADER + ROW * len(shown_columns(model)) + 4


def shown_columns(model: type[Model]) -> list[Any]:
    """Return the columns of a table without its key."""
    return [field for field in columns_of(model) if not field.primary_key]


def hubs_among(by_model: dict[type[Model], Box]) -> set[type[Model]]:
    """Return the tables with so many references that lines to them would hide the others."""
    counted = Counter(target for model in by_model for _, _, target in references_of(model))
    return {model for model, count in counted.items() if count >= HUB_REFERENCES_MIN and model in by_model}


def references_of(model: type[Model]) -> list[tuple[int, Any, type[Model]]]:
    """Yield the foreign keys of a model, each with its row and the referenced table."""
    return [
        (row, field, field.related_model)
        for row, field in enumerate(shown_columns(model))
        if isinstance(field, ForeignKey)
    ]


def lines_from(box: Box, by_model: dict[type[Model], Box], hubs: set[type[Model]]) -> list[str]:
    """Draw the foreign keys of one table that are shown as lines."""
    return [
        drawn_line(box, box.y + HEADER + ROW * row + ROW // 2, by_model[target])
        for row, _, target in references_of(box.model)
        if target in by_model and target not in hubs and target is not box.model
    ]


def drawn_line(box: Box, y: int, target: Box) -> str:
    """Draw a curve from a row to the header of a table, between the sides that face each other."""
    end = target.y + HEADER // 2
    if target.column > box.column:
        start_x, end_x, bend = box.x + WIDTH, target.x, GUTTER
        middle = f"C {start_x + bend} {y} {end_x - bend} {end} {end_x} {end}"
    elif target.column < box.column:
        start_x, end_x, bend = box.x, target.x + WIDTH, GUTTER
        middle = f"C {start_x - bend} {y} {end_x + bend} {end} {end_x} {end}"
    else:
        start_x, end_x, bend = box.x, target.x, GUTTER // 2
        middle = f"C {start_x - bend} {y} {end_x - bend} {end} {end_x} {end}"
    return (
        f'<path d="M {start_x} {y} {middle}" fill="none" stroke="{target.tint}" stroke-opacity="0.6"/>'
        f'<circle cx="{end_x}" cy="{end}" r="3" fill="{target.tint}"/>'
    )


def drawn_heading(heading: Heading) -> str:
    """Draw the name of a package."""
    return (
        f'<text x="{heading.x}" y="{heading.y}" font-size="13" font-weight="700" fill="{heading.tint}">'
        f"{escape(heading.text)}</text>"
    )


def drawn_box(box: Box) -> str:
    """Draw a table: its name, its columns and, as a tooltip, the first line of its docstring."""
    about = cleandoc(box.model.__doc__ or "").partition("\n")[0]
    x, y, tint = box.x, box.y, box.tint
    header = f"M {x} {y + HEADER} v {4 - HEADER} q 0 -4 4 -4 h {WIDTH - 8} q 4 0 4 4 v {HEADER - 4} z"
    name = f'<text x="{x + 8}" y="{y + 15}" font-size="12" font-weight="700" fill="#ffffff">{box.model.__name__}</text>'
    parts = [
        f"<g><title>{escape(about)}</title>",
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{box.height}" rx="4" fill="#ffffff" stroke="{tint}"/>',
        f'<path d="{header}" fill="{tint}"/>',
        name,
    ]
    for row, field in enumerate(shown_columns(box.model)):
        line = y + HEADER + ROW * row + 12
        mark = "?" if field.null else ""
        mark += "=" if field.unique else ""
        parts.append(
            f'<text x="{x + 8}" y="{line}">{escape(field.name + mark)}</text>'
            f'<text x="{x + WIDTH - 8}" y="{line}" text-anchor="end" fill="#52606b">{escape(type_of(field))}</text>'
        )
    return "".join([*parts, "</g>"])


def type_of(field: Any) -> str:
    """Return the referenced table of a column, or its type."""
    if isinstance(field, ForeignKey):
        return f"→ {field.related_model.__name__}"
    return TYPES[type(field).__name__]


if __name__ == "__main__":
    main()
