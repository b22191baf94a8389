"""Users, their roles at sites, and their rights."""

from django.db.models import Model

from backflush.core.refusals import NotAllowed, NotFound
from backflush.people.models import Assignment, Board, User
from backflush.people.rights import ROLES, Role, Verb, roles_that_may, verbs_of


def user_named(name: str) -> User:
    """Return the user with this log-in name, or refuse (`not_found`)."""
    user = User.objects.filter(username=name).first()
    if user is None:
        raise NotFound("There is no user {user}.", user=name, field="user")
    return user


def roles_of(user: User, site: Model) -> list[Role]:
    """Return the roles of a user at a site. A deactivated user has none."""
    if not user.is_active:
        return []
    found = Assignment.objects.filter(user=user, site=site.pk).order_by("role")
    return [Role(role) for role in found.values_list("role", flat=True)]


def verbs_at(user: User, site: Model) -> frozenset[Verb]:
    """Return everything that a user may do at a site."""
    return verbs_of(roles_of(user, site))


def may(user: User, site: Model, verb: Verb) -> bool:
    """Return whether a user may do something at a site."""
    return verb in verbs_at(user, site)


def require(user: User, site: Model, verb: Verb) -> None:
    """Refuse (`not_allowed`) what a user may not do at a site, and name the roles that may."""
    if not may(user, site, verb):
        raise not_allowed(verb)


def not_allowed(verb: Verb) -> NotAllowed:
    """Return the refusal for an operation, with the roles that may carry it out."""
    return NotAllowed(
        "You need the right to {right}. At this site these roles have it: {roles}.",
        right=verb,
        roles=list(roles_that_may(verb)),
        field="user",
    )


def sites_of(user: User) -> list[int]:
    """Return the sites at which a user has a role, by code."""
    if not user.is_active:
        return []
    return sorted(set(Assignment.objects.filter(user=user).values_list("site", flat=True)))


def people_at(site: Model, *, most: int) -> list[User]:
    """Return users with a role at a site, by log-in name, up to a limit."""
    there = Assignment.objects.filter(site=site.pk).values("user")
    return list(User.objects.filter(pk__in=there).order_by("username")[:most])


def people_who_may(site: Model, verb: Verb, *, most: int) -> list[User]:
    """Return active users who have a right at a site, by log-in name, up to a limit."""
    roles = [role.value for role, verbs in ROLES.items() if verb in verbs]
    there = Assignment.objects.filter(site=site.pk, role__in=roles).values("user")
    return list(User.objects.filter(pk__in=there, is_active=True).order_by("username")[:most])


def board_of(user: User) -> list[tuple[str, int]] | None:
    """Return a user's own board, block by block with its width; None if the user never arranged it."""
    board = Board.objects.filter(user=user).first()
    return [(name, width) for name, width in board.blocks] if board else None
