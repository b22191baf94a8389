"""Commands for users and their roles."""

import sys
from typing import Annotated

import typer

from backflush.console.output import Desk, HelpSection, command
from backflush.core.refusals import InvalidValue
from backflush.people.models import Assignment, User
from backflush.people.rights import Role, Verb
from backflush.people.second_factor import end_second_factor as switch_off_second_factor
from backflush.people.selectors import roles_of
from backflush.people.services import give_role, known_user, set_password, take_role
from backflush.people.tokens import DAYS, make_token
from backflush.people.tokens import end_tokens as end_all_tokens


def register(app: typer.Typer) -> None:
    """Add `person` and `people`."""
    command(app, "person", panel=HelpSection.SET_UP)(change_person)
    command(app, "people", panel=HelpSection.SET_UP)(list_people)


def change_person(
    desk: Desk,
    name: Annotated[str, typer.Argument(help="The log-in name.", show_default=False)],
    role: Annotated[list[Role] | None, typer.Option(help="A role to give at the site. Can be repeated.")] = None,
    not_role: Annotated[list[Role] | None, typer.Option(help="A role to take away. Can be repeated.")] = None,
    first_name: Annotated[str, typer.Option(help="For a new user.")] = "",
    last_name: Annotated[str, typer.Option(help="For a new user.")] = "",
    password: Annotated[
        bool,
        typer.Option("--password", help="Ask for a new password. Without a terminal it is read from standard input."),
    ] = False,
    token: Annotated[
        bool, typer.Option("--token", help="Create an API token that acts as this user. It is shown once.")
    ] = False,
    purpose: Annotated[str, typer.Option(help="What a new token is for, such as the program and its machine.")] = "",
    only: Annotated[
        list[Verb] | None, typer.Option(help="A right that a new token has at most. Can be repeated. Else all rights.")
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3650, help="After how many days a new token ends.")] = DAYS,
    end_second_factor: Annotated[
        bool, typer.Option("--end-second-factor", help="Switch the user's second factor off, after a lost phone.")
    ] = False,
    end_tokens: Annotated[bool, typer.Option("--end-tokens", help="Revoke all tokens of the user.")] = False,
) -> None:
    """Create or change a user: set a password for the pages, give or take roles, make API tokens.

    Example: backflush person rosa.marsh --role stores --password

    Example: backflush person gateway --role operator --token --purpose "press 7" --only book --days 180
    """
    user = known_user(name=name, first_name=first_name, last_name=last_name)
    for given in role or ():
        give_role(user=user, site=desk.site, role=given)
    for taken in not_role or ():
        take_role(user=user, site=desk.site, role=taken)
    if password:
        set_password(user=user, password=asked_password())
    if end_second_factor:
        switch_off_second_factor(user=user)
    ended = end_all_tokens(user=user) if end_tokens else 0
    made = make_token(user=user, purpose=purpose, scope=only or (), days=days) if token else ""
    roles = roles_of(user, desk.site)
    says = f"{user.name} is {', '.join(roles) or 'without a role'} at {desk.site.code}"
    enters = "" if user.has_usable_password() or made else " and can't sign in yet: set a password with --password"
    payload = {"name": user.username, "roles": roles, "signs_in": user.has_usable_password()}
    shown = [f"{says}{enters}."]
    if end_tokens:
        payload["tokens_ended"] = ended
        shown.append(f"{ended} tokens were revoked.")
    if made:
        payload["token"] = made
        shown.append(f"The token, which won't be shown again: {made}")
    desk.answer(payload, *shown)


def list_people(desk: Desk) -> None:
    """List the users of the site with their roles.

    Example: backflush people
    """
    names = User.objects.order_by("username").values_list("username", flat=True)
    roles: dict[str, list[str]] = {name: [] for name in names}
    for name, role in Assignment.objects.filter(site=desk.site).values_list("user__username", "role").order_by("role"):
        roles[name].append(role)
    payload = [{"name": name, "roles": held} for name, held in roles.items()]
    desk.answer(payload, *(f"{name}: {', '.join(held) or 'no role'}" for name, held in roles.items()))


def asked_password() -> str:
    """Return a password typed twice at a terminal, or one line of standard input; raises `InvalidValue`."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = str(typer.prompt("Password", hide_input=True))
    if first != str(typer.prompt("Again", hide_input=True)):
        raise InvalidValue("The two passwords differ. Type them again.", field="password")
    return first
