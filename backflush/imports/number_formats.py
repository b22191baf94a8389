"""How a spreadsheet shows a number by the format of its cell.

Only formats whose result doesn't depend on the language of the spreadsheet program are followed: digits, leading
zeros, decimals, per cent, separators of thousands, and fixed text. `shown` says nothing about all others.
"""

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from backflush.core.quantity import written

GENERAL: Final = "General"
BUILT_IN: Final = {
    0: GENERAL,
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    11: "0.00E+00",
    12: "# ?/?",
    13: "# ??/??",
    37: "#,##0;-#,##0",
    38: "#,##0;-#,##0",
    39: "#,##0.00;-#,##0.00",
    40: "#,##0.00;-#,##0.00",
    48: "##0.0E+0",
    49: "@",
}
_TOKENS: Final = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[(?P<bracket>[^\]]*)\]|_.|\*.|(?P<other>.)', re.DOTALL
)
_DIGITS: Final = re.compile(r"(?P<whole>[#0,]*)(?:\.(?P<fraction>[#0]*))?")


@dataclass(frozen=True, slots=True)
class CellFormat:
    """A format in its parts: the text around the number, digits before and after the point, and the multiplier."""

    before: str
    after: str
    zeros: int
    decimals_min: int
    decimals_max: int
    thousands: bool
    percent: bool

    def shown(self, value: Decimal) -> tuple[str, Decimal]:
        """Return a number as the cell shows it, and the number that is read from that; 0.04 as 4% is 4."""
        number = value * 100 if self.percent else value
        rounded = number.quantize(Decimal(1).scaleb(-self.decimals_max), rounding=ROUND_HALF_UP)
        whole, _, fraction = f"{abs(rounded):f}".partition(".")
        while len(fraction) > self.decimals_min and fraction.endswith("0"):
            fraction = fraction[:-1]
        whole = whole.lstrip("0").rjust(self.zeros, "0")
        if self.thousands:
            whole = f"{int(whole or 0):,}"
        sign = "-" if rounded < 0 else ""
        digits = f"{whole}.{fraction}" if fraction else whole
        return f"{self.before}{sign}{digits}{self.after}", rounded

    @property
    def has_text(self) -> bool:
        """Whether the text of the number depends on more than its digits."""
        return self.thousands or self.percent


def cell_format(code: str) -> CellFormat | None:
    """Return the parts of a number format, or None for one that isn't followed: fractions, exponents, conditions."""
    section = _sections(code)[0]
    text, mask = "", ""
    before: str | None = None
    for token in _TOKENS.finditer(section):
        bracket, other = token["bracket"], token["other"]
        literal = token["quoted"] or token["escaped"] or ""
        if bracket is not None:
            if not bracket.startswith("$"):
                if bracket[:1] in "<>=":
                    return None
                continue
            literal = bracket[1:].partition("-")[0]
        elif other is not None and other in "#0,.?E/@":
            if other in "?E/@":
                return None
            if mask and text:
                return None
            if before is None:
                before, text = text, ""
            mask += other
            continue
        elif other is not None:
            literal = other
        text += literal
    return _format(before or "", mask, text)


def _format(before: str, mask: str, after: str) -> CellFormat | None:
    found = _DIGITS.fullmatch(mask)
    if not mask or found is None or found["whole"].endswith(","):
        return None
    fraction = found["fraction"] or ""
    percent = "%" in before or "%" in after
    return CellFormat(
        before=before,
        after=after.rstrip(),
        zeros=found["whole"].count("0"),
        decimals_min=fraction.count("0"),
        decimals_max=len(fraction),
        thousands="," in found["whole"],
        percent=percent,
    )


def _sections(code: str) -> list[str]:
    """Split a format at the semicolons outside quotes: for positive numbers, negative ones, and zero."""
    sections, quoted = [""], False
    for sign in code:
        quoted ^= sign == '"'
        if sign == ";" and not quoted:
            sections.append("")
        else:
            sections[-1] += sign
    return sections


def as_number(value: float) -> Decimal:
    """Return the number of a cell: spreadsheets show at most fifteen digits of a binary float."""
    return Decimal(written(Decimal(format(value, ".15g"))))
