from collections.abc import Callable, Iterable, Mapping, Sequence

from django.apps import apps
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model

from backflush.core.refusals import AlreadyThere, InvalidValue, NotAllowed
from backflush.db.unique_names import named_once
from backflush.people.models import Assignment, Board, User
from backflush.people.rights import Role
from backflush.people.security_log import SecurityMatter, note
from backflush.people.sessions import end_sessions
from backflush.people.tokens import end_tokens


def known_user(*, name: str, first_name: str = "", last_name: str = "") -> User:
    """Return the user with this name, and create one if needed: who may open the database file is known by log-in name.

    The command line trusts the operating system's log-in. A user created here has no usable password and can't sign in
    to the pages.
    """
    user, created = User.objects.get_or_create(
        username=name, defaults={"first_name": first_name, "last_name": last_name}
    )
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user


@named_once("user", field="name")
@transaction.atomic
def add_person(
    *, name: str, password: str, first_name: str = "", last_name: str = "", roles: Iterable[Role] = (), site: Model
) -> User:
    """Add a user who can sign in, with roles at a site.

    Always inserts: if two administrators add the same name at once, the second is refused (`already_there`) and doesn't
    overwrite the first user's password.
    """
    require_name_free(name)
    user = User.objects.create(username=name, first_name=first_name, last_name=last_name)
    note(SecurityMatter.PERSON, person=name, detail="added")
    set_password(user=user, password=password)
    for role in roles:
        give_role(user=user, site=site, role=role)
    return user


def require_name_free(name: str) -> None:
    """Refuse a log-in name that is taken (`already_there`)."""
    if User.objects.filter(username=name).exists():
        raise AlreadyThere("There is a user {user} already. Choose another log-in name.", user=name, field="name")


def require_strong(password: str, *, user: User) -> None:
    """Refuse a password that is too short, too common or too similar to the user's name."""
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise InvalidValue(
            "Choose a stronger password. {problems}", problems=" ".join(weak.messages), field="password"
        ) from None


def require_signs_in(user: User) -> None:
    """Refuse (`not_allowed`) to give a first password to somebody who has none.

    The command line makes such people, from the log-in names of the machine. An administrator who gave one a password
    could sign in and post under that name.
    """
    if not user.has_usable_password():
        raise NotAllowed(
            "{user} has no password, and works from the command line. Set the first one there: "
            "backflush person {user} --password",
            user=user.username,
            field="user",
        )


@transaction.atomic
def set_password(*, user: User, password: str, but: str = "") -> None:
    """Set a user's password, and end the user's tokens and sessions, except one session by its key (`but`).

    Refused if it is too short or too common.
    """
    require_strong(password, user=user)
    user.set_password(password)
    user.save(update_fields=["password"])
    note(SecurityMatter.PASSWORD, person=user.username)
    end_access(user, but=but)


def end_access(user: User, *, but: str = "") -> None:
    """End the sessions of a user, except one by its key, and all tokens."""
    end_sessions(user, but=but)
    end_tokens(user=user)


def change_own_password(*, user: User, present: str, password: str, session: str = "") -> None:
    """Change a user's own password. The user's tokens end, and all sessions but the one with this key.

    Refused (`InvalidValue`) where the present password is wrong, or the new one is weak or the same.
    """
    if not user.check_password(present):
        note(SecurityMatter.PASSWORD, person=user.username, done=False, detail="wrong present password")
        raise InvalidValue("This is not your present password. Enter it again.", field="present")
    if password == present:
        raise InvalidValue("The new password is the present one. Choose another.", field="password")
    set_password(user=user, password=password, but=session)


def give_role(*, user: User, site: Model, role: Role) -> Assignment:
    """Give a user a role at a site. Does nothing if the user has it."""
    given, new = Assignment.objects.get_or_create(user=user, site_id=site.pk, role=role)
    if new:
        note(SecurityMatter.ROLES, person=user.username, site=_code(site), detail=f"given: {role}")
    return given


def _code(site: Model) -> str:
    return str(getattr(site, "code", ""))


@transaction.atomic
def change_person(
    *, user: User, by: User, first_name: str, last_name: str, active: bool, roles: Mapping[int, Iterable[Role]]
) -> None:
    """Change a user's name, whether the user is active, and the roles at some sites (by primary key).

    Users are never deleted, because postings name them. Refused if a site would lose its last administrator, and
    (`not_allowed`) if it concerns a site that the acting user doesn't administer.
    """
    wanted = {site: set(held) for site, held in roles.items()}
    changed = (user.first_name, user.last_name, user.is_active) != (first_name, last_name, active)
    require_administers(by, user, beyond=() if changed else wanted)
    leaves = [site for site, held in wanted.items() if Role.ADMINISTRATOR not in held]
    _require_administrators(user, None if not active else leaves)
    User.objects.filter(pk=user.pk).update(first_name=first_name, last_name=last_name, is_active=active)
    if changed:
        state = "may sign in" if active else "may not sign in"
        note(SecurityMatter.PERSON, person=user.username, by=by.username, detail=f"{first_name} {last_name}, {state}")
    if not active:
        # Or they would be in use again when the person is reactivated.
        end_access(user)
    codes = dict(apps.get_model("stockmap", "Site").objects.values_list("pk", "code"))
    for site, held in wanted.items():
        found = Assignment.objects.filter(user=user, site_id=site)
        had = {Role(role) for role in found.values_list("role", flat=True)}
        found.exclude(role__in=held).delete()
        Assignment.objects.bulk_create(Assignment(user=user, site_id=site, role=role) for role in sorted(held - had))
        if had != held:
            changes = [("given", held - had), ("taken", had - held)]
            told = "; ".join(f"{word}: {', '.join(sorted(roles))}" for word, roles in changes if roles)
            note(SecurityMatter.ROLES, person=user.username, by=by.username, site=codes[site], detail=told)


def require_administers(by: User, user: User, *, beyond: Iterable[int] = ()) -> None:
    """Refuse (`not_allowed`) a change that concerns a user at sites which the acting user doesn't administer.

    Otherwise an administrator of one site could take over an account that administers another.
    """
    theirs = Assignment.objects.filter(user=user).values_list("site", flat=True)
    concerned = set(beyond) or set(theirs)
    own = set(Assignment.objects.filter(user=by, role=Role.ADMINISTRATOR).values_list("site", flat=True))
    if concerned - own:
        raise NotAllowed(
            "{user} also works at a site where you aren't an administrator. Ask an administrator of that site.",
            user=user.name,
            field="user",
        )


def _require_administrators(user: User, sites: Iterable[int] | None) -> None:
    """Refuse to remove the last administrator of a site; `None` checks all sites of the user.

    Locks the other administrators' rows, so that two of them can't remove each other at the same moment.
    """
    held = Assignment.objects.filter(role=Role.ADMINISTRATOR, user__is_active=True)
    mine = set(held.filter(user=user).values_list("site", flat=True))
    for site in sorted(mine if sites is None else mine.intersection(sites)):
        rows = list(held.filter(site=site).order_by("pk").select_for_update(of=("self",)))
        if all(row.user_id == user.pk for row in rows):
            raise InvalidValue(
                "{user} is the only administrator here. Make another user an administrator first.",
                user=user.name,
                field="roles",
            )


def take_role(*, user: User, site: Model, role: Role) -> None:
    """Remove a role at a site from a user."""
    count, _ = Assignment.objects.filter(user=user, site_id=site.pk, role=role).delete()
    if count:
        note(SecurityMatter.ROLES, person=user.username, site=_code(site), detail=f"taken: {role}")


Placed = tuple[str, int]
"""A block of a board and its width in twelfths."""


@transaction.atomic
def arrange_board(*, user: User, change: Callable[[list[Placed]], list[Placed]], first: Sequence[Placed]) -> None:
    """Change a user's own board. A board that was never arranged starts as `first`.

    Locks the user, so that two windows don't overwrite each other's changes.
    """
    User.objects.select_for_update().get(pk=user.pk)
    board = Board.objects.filter(user=user).first()
    now = [(name, width) for name, width in board.blocks] if board else list(first)
    Board.objects.update_or_create(user=user, defaults={"blocks": change(now)})


def forget_board(*, user: User) -> None:
    """Reset a user's board to that of the role."""
    Board.objects.filter(user=user).delete()


def use_single_keys(*, user: User, on: bool) -> None:
    """Switch a user's single-letter shortcuts on or off."""
    user.single_keys = on
    user.save(update_fields=["single_keys"])
