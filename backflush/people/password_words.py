"""Refuses passwords that are a common word, or a name of the plant, with digits or signs added."""

import re
from collections.abc import Iterator
from typing import Final

from django.apps import apps
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from backflush.people.models import User

OWN_WORDS: Final = frozenset({"backflush", "backflushing", "factory", "warehouse", "storekeeper", "administrator"})
SWAPPED: Final = str.maketrans("013457@$!", "oieastasi")
"""Digits and signs that stand for letters in guessed passwords."""
WORD: Final = re.compile(r"[^\W\d_]{3,}")
REMAINS_MIN: Final = 6
"""How many letters must be left, once the common words are taken out, for a password to count as its own."""
WORDS_ENOUGH: Final = 3


class CommonWordValidator:
    """Refuses a password that has little besides common words, the user's name and the names of sites."""

    def __init__(self) -> None:
        self._common = CommonPasswordValidator().passwords

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise `ValidationError` if what guessers try first is all there is."""
        plain = password.casefold()
        known = OWN_WORDS | frozenset(_names(user))
        for text in (plain, plain.translate(SWAPPED)):
            words = WORD.findall(text)
            own = [word for word in words if word not in known and word not in self._common]
            if words and sum(map(len, own)) < REMAINS_MIN and len(words) < WORDS_ENOUGH:
                raise ValidationError(_("It is a common word or a name with something added."), code="common_word")

    def get_help_text(self) -> str:
        """Return what to do."""
        return _("Use several words, and not the name of the plant.")


def _names(user: User | None) -> Iterator[str]:
    """Yield the words in the names of a user and of the sites."""
    texts = [user.username, user.first_name, user.last_name] if user is not None else []
    for code, name in apps.get_model("stockmap", "Site").objects.values_list("code", "name")[:100]:
        texts += [code, name]
    for text in texts:
        yield from WORD.findall(text.casefold())
