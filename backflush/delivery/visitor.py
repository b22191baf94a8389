"""A user at a site, with the roles and rights that the user has there."""

from dataclasses import dataclass, field
from functools import cached_property

from backflush.people.models import User
from backflush.people.rights import Role, Verb, verbs_of
from backflush.people.selectors import not_allowed, roles_of
from backflush.stockmap.models import Site


@dataclass
class Visitor:
    """A user at a site. The roles are read once."""

    user: User
    site: Site
    scope: frozenset[Verb] = field(default=frozenset(Verb), kw_only=True)
    """The rights that are used at most: those of a token."""

    @cached_property
    def roles(self) -> list[Role]:
        """The user's roles at the site."""
        return roles_of(self.user, self.site)

    @cached_property
    def verbs(self) -> frozenset[Verb]:
        """The user's rights at the site."""
        return verbs_of(self.roles) & self.scope

    def may(self, verb: Verb) -> bool:
        """Return whether the user has a right."""
        return verb in self.verbs

    def require(self, *verbs: Verb) -> None:
        """Refuse (`NotAllowed`) unless the user has one of the rights."""
        if self.verbs.isdisjoint(verbs):
            raise not_allowed(verbs[0])
