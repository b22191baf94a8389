"""Format numbers, dates and times for people (docs/ux.md, Numbers, units and dates).

Numbers have the separators of the number format in use and a true minus. Dates and times are in the active time zone,
which is the site's on every page. Only money is rounded: two decimals in sums, four in unit costs.
"""

from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from django.conf import settings
from django.utils import numberformat, timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from backflush.core.quantity import plain
from backflush.web.display import number_format

MINUS: Final = "\N{MINUS SIGN}"


def number(value: Decimal | int, decimals: int | None = None) -> str:
    """Format a number with some decimals, or with as many as it has."""
    if decimals is None:
        shortest = plain(Decimal(value))
        decimals = max(0, -int(shortest.as_tuple().exponent))
    text = _separated(abs(Decimal(value)), decimals, grouped=True)
    return f"{MINUS}{text}" if value < 0 else text


def for_input(value: Decimal | int) -> str:
    """Format a number for an input field: without thousands separators, so that it can be edited."""
    return _separated(plain(Decimal(value)), None, grouped=False)


def _separated(value: Decimal, decimals: int | None, *, grouped: bool) -> str:
    symbols = number_format.current()
    text: str = numberformat.format(
        value, symbols.decimal, decimals, 3, symbols.group, force_grouping=grouped, use_l10n=False
    )
    return text


def money(value: Decimal, decimals: int = 2) -> str:
    """Format an amount, with the currency sign if CURRENCY is set."""
    rounded = value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    text = f"{settings.CURRENCY}{number(abs(rounded), decimals)}"
    return f"{MINUS}{text}" if rounded < 0 else text


def counted(value: int, most: int) -> str:
    """Format a count that stops at a limit."""
    if value > most:
        return _("more than %(most)s") % {"most": number(most)}
    return number(value)


def day(moment: date | datetime) -> str:
    """Format a date: 12 Mar 2026."""
    return date_format(_local(moment), pgettext("date", "j M Y"))


def clock(moment: datetime) -> str:
    """Format a time of day: 14:32."""
    return date_format(_local(moment), "H:i")


def when(moment: datetime) -> str:
    """Format a date with time: 12 Mar 2026 14:32."""
    return date_format(_local(moment), f"{pgettext('date', 'j M Y')} H:i")


def near(moment: datetime) -> str:
    """Format a moment as briefly as is clear: 14:32 today, 17 Feb 09:12 this year, else the whole date."""
    local, now = timezone.localtime(moment), timezone.localtime()
    if local.date() == now.date():
        return clock(moment)
    if local.year != now.year:
        return day(moment)
    short = date_format(local, pgettext("date", "j M"))
    return f"{short} {clock(moment)}"


def spoken(moment: datetime) -> str:
    """Format a moment for a sentence: today 14:32, or 9 Mar 15:10."""
    return _("today %(time)s") % {"time": near(moment)} if not days_since(moment) else near(moment)


def moment_text(moment: datetime) -> str:
    """Format the moment of an operation for a sentence: today at 13:12, or on 9 Mar 15:10."""
    if not days_since(moment):
        return _("today at %(time)s") % {"time": clock(moment)}
    return _("on %(day)s") % {"day": near(moment)}


def days_since(moment: date | datetime) -> int:
    """Return the age of a moment in days of the site's time zone."""
    local = _local(moment)
    return (timezone.localdate() - (local.date() if isinstance(local, datetime) else local)).days


def age(moment: date | datetime) -> str:
    """Format the age of a moment in days of the site's time zone."""
    days = days_since(moment)
    if days <= 0:
        return _("today")
    return ngettext("%(days)s day", "%(days)s days", days) % {"days": number(days)}


def weekday(moment: date | datetime) -> str:
    """Format a date with its weekday: Thursday 12 March 2026."""
    return date_format(_local(moment), pgettext("date", "l j F Y"))


def _local(moment: date | datetime) -> date | datetime:
    return timezone.localtime(moment) if isinstance(moment, datetime) else moment
