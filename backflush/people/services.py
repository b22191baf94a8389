from collections.abc import Callable, Iterable, Mapping, Sequence

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model

from backflush.core.refusals import AlreadyThere, InvalidValue, NotAllowed
from backflush.db.unique_names import named_once
from backflush.people.models import Assignment, Board, User
from backflush.people.rights import Role


def known_user(*, name: str, first_name: str = "", last_name: str = "") -> User:
    """The user of this name, made where there is none: whoever may use the database file is known by log-in name.

    The command line trusts the machine's log-in. A user made here has no usable password, so no page lets it in.
    """
    user, created = User.objects.get_or_create(
        username=name, defaults={"first_name": first_name, "last_name": last_name}
    )
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


@named_once("somebody", field="name")
@transaction.atomic
def add_person(
    *, name: str, password: str, first_name: str = "", last_name: str = "", roles: Iterable[Role] = (), site: Model
) -> User:
    """Someone new, who can sign in and has some roles at a site.

    Always a new row: of two who add one name at once the second is refused (`already_there`), and doesn't give the
    first one's person another password.
    """
    require_name_free(name)
    user = User.objects.create(username=name, first_name=first_name, last_name=last_name)
    set_password(user=user, password=password)
    for role in roles:
        give_role(user=user, site=site, role=role)
    return user


def require_name_free(name: str) -> None:
    """Refuse a log-in name that somebody has."""
    if User.objects.filter(username=name).exists():
        raise AlreadyThere(f"There is somebody with the log-in name {name} already.", field="name")


def require_strong(password: str, *, user: User) -> None:
    """Refuse a password that is short, well known or much like the person's name."""
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise InvalidValue(" ".join(weak.messages), field="password") from None


def set_password(*, user: User, password: str) -> None:
    """Give someone a password to sign in with; a short or well-known one is refused."""
    require_strong(password, user=user)
    user.set_password(password)
    user.save(update_fields=["password"])


def give_role(*, user: User, site: Model, role: Role) -> Assignment:
    """Give someone a role at a site; nothing happens where they have it."""
    return Assignment.objects.get_or_create(user=user, site_id=site.pk, role=role)[0]


@transaction.atomic
def change_person(
    *, user: User, by: User, first_name: str, last_name: str, active: bool, roles: Mapping[int, Iterable[Role]]
) -> None:
    """What somebody is called, whether they may sign in, and all that they are at some sites (by their keys).

    Nobody is deleted: whoever has posted stays named. Refused where a site would be left with nobody who may set up
    people, and where it concerns a site of which whoever asks is no administrator (`not_allowed`).
    """
    wanted = {site: set(held) for site, held in roles.items()}
    changed = (user.first_name, user.last_name, user.is_active) != (first_name, last_name, active)
    require_administers(by, user, beyond=() if changed else wanted)
    leaves = [site for site, held in wanted.items() if Role.ADMINISTRATOR not in held]
    _require_administrators(user, None if not active else leaves)
    User.objects.filter(pk=user.pk).update(first_name=first_name, last_name=last_name, is_active=active)
    for site, held in wanted.items():
        Assignment.objects.filter(user=user, site_id=site).exclude(role__in=held).delete()
        for role in sorted(held):
            Assignment.objects.get_or_create(user=user, site_id=site, role=role)


def require_administers(by: User, user: User, *, beyond: Iterable[int] = ()) -> None:
    """Refuse what concerns somebody everywhere, or at some sites, to who is no administrator there (`not_allowed`).

    Or an administrator of one site could sign in as somebody who may everything at another.
    """
    theirs = Assignment.objects.filter(user=user).values_list("site", flat=True)
    concerned = set(beyond) or set(theirs)
    own = set(Assignment.objects.filter(user=by, role=Role.ADMINISTRATOR).values_list("site", flat=True))
    if concerned - own:
        raise NotAllowed(
            f"{user.name} works at a site of which you are no administrator. Ask an administrator there too.",
            field="user",
        )


def _require_administrators(user: User, sites: Iterable[int] | None) -> None:
    """Refuse to take the last administrator from a site; `None` asks about all sites of the person.

    The others' rows are locked, so that two can't take each other away at the same moment.
    """
    held = Assignment.objects.filter(role=Role.ADMINISTRATOR, user__is_active=True)
    mine = set(held.filter(user=user).values_list("site", flat=True))
    for site in sorted(mine if sites is None else mine.intersection(sites)):
        rows = list(held.filter(site=site).order_by("pk").select_for_update(of=("self",)))
        if all(row.user_id == user.pk for row in rows):
            raise InvalidValue(
                f"{user.name} is the only administrator here. Make somebody else one first.", field="roles"
            )


def take_role(*, user: User, site: Model, role: Role) -> None:
    """Take a role at a site away from someone."""
    Assignment.objects.filter(user=user, site_id=site.pk, role=role).delete()


Placed = tuple[str, int]
"""A block of a board, and how many of twelve columns it is wide."""


@transaction.atomic
def arrange_board(*, user: User, change: Callable[[list[Placed]], list[Placed]], first: Sequence[Placed]) -> None:
    """Change somebody's own board; one that was never arranged begins as `first`.

    The person is locked meanwhile, so that two windows don't take each other's changes away.
    """
    User.objects.select_for_update().get(pk=user.pk)
    board = Board.objects.filter(user=user).first()
    now = [(name, width) for name, width in board.blocks] if board else list(first)
    Board.objects.update_or_create(user=user, defaults={"blocks": change(now)})


def forget_board(*, user: User) -> None:
    """Go back to the board of one's role."""
    Board.objects.filter(user=user).delete()


def use_single_keys(*, user: User, on: bool) -> None:
    """Let letters alone do something in the pages, or not."""
    user.single_keys = on
    user.save(update_fields=["single_keys"])
