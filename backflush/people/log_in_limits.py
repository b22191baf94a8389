"""How many wrong passwords and tokens are taken, counted in the security log of the last minutes.

Wrong passwords lock a name at the address that they come from; from many addresses they lock it for browsers in which
that person has never signed in. So nobody can lock out somebody else at their own browser. One address, and all
strangers together, have limits too. A token's secret can't be guessed, so a right token is never refused.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.core import signing
from django.db.models import Count, Max, Q
from django.utils import timezone

from backflush.people.models import SecurityEvent, User
from backflush.people.security_log import CALLER, NAME_LONGEST, SecurityMatter

WINDOW: Final = timedelta(minutes=5)
AT_ADDRESS_MOST: Final = 5
"""Of one name at one address, or in a browser where that person has signed in."""
OF_NAME_MOST: Final = 20
OF_ADDRESS_MOST: Final = 50
OF_ALL_MOST: Final = 300

KNOWN_BROWSER: Final = "known browser"
COOKIE: Final = "backflush_browser"
COOKIE_SECONDS: Final = 180 * 24 * 3600
NAMES_MOST: Final = 20
"""How many people a browser is known for: a terminal of the shop floor."""
SALT: Final = "backflush.people.log_in_limits"


def known_names(cookie: str) -> list[str]:
    """Return the people who have signed in in a browser, by its cookie."""
    try:
        names = signing.loads(cookie, salt=SALT, max_age=COOKIE_SECONDS)
    except signing.BadSignature:
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def cookie_with(names: Sequence[str], user: User) -> str:
    """Return the cookie of a browser in which somebody has signed in."""
    others = [name for name in names if name != user.username]
    return signing.dumps([*others, user.username][-NAMES_MOST:], salt=SALT, compress=True)


def is_limited(name: str, *, known: bool) -> bool:
    """Return whether a password of a name isn't looked at now. `known` is a browser where that person signed in."""
    name = name[:NAME_LONGEST]
    caller = CALLER.get()
    address = caller.address if caller else ""
    recent = SecurityEvent.objects.filter(at__gte=timezone.now() - WINDOW)
    cleared = Q(what=SecurityMatter.PASSWORD) | Q(what=SecurityMatter.SIGN_IN, done=True, address=address)
    since = recent.filter(cleared, person=name, done=True).aggregate(last=Max("at"))["last"]
    wrong = recent.filter(what=SecurityMatter.SIGN_IN, done=False)
    own = Q(person=name) & (Q(at__gt=since) if since else Q())
    from_known = Q(detail=KNOWN_BROWSER)
    if known:
        return wrong.filter(own & from_known).count() >= AT_ADDRESS_MOST
    counts = wrong.aggregate(
        here=Count("pk", filter=own & Q(address=address) & ~from_known),
        name=Count("pk", filter=own & ~from_known),
        address=Count("pk", filter=Q(address=address)),
        all=Count("pk", filter=~from_known),
    )
    most = {"here": AT_ADDRESS_MOST, "name": OF_NAME_MOST, "address": OF_ADDRESS_MOST, "all": OF_ALL_MOST}
    return any(counts[what] >= limit for what, limit in most.items())


def too_many_wrong_tokens() -> bool:
    """Return whether more wrong tokens of this address are neither noted nor answered in detail."""
    caller = CALLER.get()
    wrong = SecurityEvent.objects.filter(
        at__gte=timezone.now() - WINDOW, what=SecurityMatter.TOKEN, done=False, address=caller.address if caller else ""
    )
    return wrong.count() >= OF_ADDRESS_MOST
