from collections.abc import Iterable

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model

from backflush.core.refusals import AlreadyThere, InvalidValue
from backflush.people.models import Assignment, User
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


@transaction.atomic
def add_person(
    *, name: str, password: str, first_name: str = "", last_name: str = "", roles: Iterable[Role] = (), site: Model
) -> User:
    """Someone new, who can sign in and has some roles at a site."""
    if User.objects.filter(username=name).exists():
        raise AlreadyThere(f"There is somebody with the log-in name {name} already.", field="name")
    user = known_user(name=name, first_name=first_name, last_name=last_name)
    set_password(user=user, password=password)
    for role in roles:
        give_role(user=user, site=site, role=role)
    return user


def set_password(*, user: User, password: str) -> None:
    """Give someone a password to sign in with; a short or well-known one is refused."""
    try:
        validate_password(password, user)
    except ValidationError as weak:
        raise InvalidValue(" ".join(weak.messages), field="password") from None
    user.set_password(password)
    user.save(update_fields=["password"])


def give_role(*, user: User, site: Model, role: Role) -> Assignment:
    """Give someone a role at a site; nothing happens where they have it."""
    return Assignment.objects.get_or_create(user=user, site_id=site.pk, role=role)[0]


@transaction.atomic
def change_person(
    *, user: User, first_name: str, last_name: str, active: bool, site: Model, roles: Iterable[Role]
) -> None:
    """What somebody is called, whether they may sign in, and all that they are at a site.

    Refused where nobody would be left at the site who may set up people.
    """
    wanted = set(roles)
    others = Assignment.objects.filter(site=site.pk, role=Role.ADMINISTRATOR, user__is_active=True)
    stays = active and Role.ADMINISTRATOR in wanted
    if not stays and others.filter(user=user).exists() and not others.exclude(user=user).exists():
        raise InvalidValue(f"{user.name} is the only administrator here. Make somebody else one first.", field="roles")
    User.objects.filter(pk=user.pk).update(first_name=first_name, last_name=last_name, is_active=active)
    Assignment.objects.filter(user=user, site_id=site.pk).exclude(role__in=wanted).delete()
    for role in sorted(wanted):
        give_role(user=user, site=site, role=role)


def take_role(*, user: User, site: Model, role: Role) -> None:
    """Take a role at a site away from someone."""
    Assignment.objects.filter(user=user, site_id=site.pk, role=role).delete()
