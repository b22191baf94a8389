"""Who may do what where."""

from django.db.models import Model

from backflush.core.refusals import NotAllowed, NotFound
from backflush.people.models import Assignment, Board, User
from backflush.people.rights import Role, Verb, roles_that_may, verbs_of


def user_named(name: str) -> User:
    """The user of a log-in name."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise NotFound(f"There is nobody with the log-in name {name}.", field="user")
    return user


def roles_of(user: User, site: Model) -> list[Role]:
    """The roles that someone has at a site; nobody who was made inactive has any."""
    if not user.is_active:
        return []
    found = Assignment.objects.filter(user=user, site=site.pk).order_by("role")
    return [Role(role) for role in found.values_list("role", flat=True)]


def verbs_at(user: User, site: Model) -> frozenset[Verb]:
    """All that someone may do at a site."""
    return verbs_of(roles_of(user, site))


def may(user: User, site: Model, verb: Verb) -> bool:
    """Whether someone may do something at a site."""
    return verb in verbs_at(user, site)


def require(user: User, site: Model, verb: Verb) -> None:
    """Refuse what someone may not do at a site, and say who may (`not_allowed`)."""
    if not may(user, site, verb):
        raise not_allowed(verb)


def not_allowed(verb: Verb) -> NotAllowed:
    """The refusal of something, with those who may."""
    *others, last = [role.value for role in roles_that_may(verb)]
    names = f"{', '.join(others)} and {last}" if others else last
    return NotAllowed(f"This takes the right to {verb}. At this site it is with: {names}.", field="user")


def sites_of(user: User) -> list[int]:
    """The sites at which someone has a role, by number."""
    if not user.is_active:
        return []
    return sorted(set(Assignment.objects.filter(user=user).values_list("site", flat=True)))


def people_at(site: Model, *, most: int) -> list[User]:
    """Those with a role at a site, by log-in name; no more than so many."""
    there = Assignment.objects.filter(site=site.pk).values("user")
    return list(User.objects.filter(pk__in=there).order_by("username")[:most])


def board_of(user: User) -> list[tuple[str, int]] | None:
    """Somebody's own board, block by block with its width; None as long as they never arranged it."""
    board = Board.objects.filter(user=user).first()
    return [(name, width) for name, width in board.blocks] if board else None
