"""Reversal rights: operators their own bookings of the same day, supervisors any posting (docs/rules.md, Rights)."""

from django.utils import timezone

from backflush.core.moves import Process
from backflush.ledger.models import Posting
from backflush.people.models import User
from backflush.people.rights import Verb
from backflush.people.selectors import not_allowed, verbs_at
from backflush.stockmap.models import Site
from backflush.stockmap.selectors import day_at

OWN = frozenset(
    {
        Process.WORKS_ORDER,
        Process.PRODUCTION,
        Process.GOODS_RECEIVED,
        Process.ISSUE,
        Process.RETURN,
        Process.HAND,
        Process.OPENING,
        Process.COUNT,
    }
)
"""The processes that operators and stores book themselves, and may reverse on the same day. Settling isn't booking."""


def may_reverse(user: User, site: Site, posting: Posting) -> bool:
    """Whether a user may take a posting back now. The same day is that of recording, in the site's time zone."""
    verbs = verbs_at(user, site)
    if posting.process == Process.RESOLUTION:
        return Verb.UNDO in verbs
    own = posting.by_id == user.pk and posting.process in OWN
    same_day = day_at(site, posting.recorded_at) == day_at(site, timezone.now())
    return Verb.REVERSE in verbs or (Verb.REVERSE_OWN in verbs and own and same_day)


def require_may_reverse(user: User, site: Site, posting: Posting) -> None:
    """Refuse a reversal that the user has no right to (`NotAllowed`)."""
    if not may_reverse(user, site, posting):
        raise not_allowed(Verb.UNDO if posting.process == Process.RESOLUTION else Verb.REVERSE)
