"""Codes as people type them: upper and lower case don't matter, and a near miss gets a suggestion.

`find_by_code` finds rows by their codes in one statement when all are typed exactly, in two otherwise.
`code_suggestions` and `type_ahead` read an index on `AnyCase(code)`, so they stay fast for a hundred thousand rows; a
model that is searched in this way has such an index.
"""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, Final, TypeVar

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Func, Model, Q, QuerySet, Value
from django.db.models.sql.compiler import SQLCompiler

from backflush.core.sentences import Sentence

Row = TypeVar("Row", bound=Model)
_LAST: Final = "\U0010ffff"
"""Sorts behind every other character."""
_NEIGHBOURS: Final = 100
"""How many codes before and behind a mistyped one are compared with it."""
_SUGGESTED_MAX: Final = 3
_LIKENESS: Final = 0.7
_ASKED_MAX: Final = 5
"""For how many unknown codes of one refusal suggestions are looked up."""
CONTAINING_FROM: Final = 3
"""From so many letters on, a search looks within codes and descriptions too, which reads the whole table."""


class AnyCase(Func):
    """A text in upper case, compared character by character: what an index for codes in any case is built on.

    Only the 26 letters are folded on SQLite, all letters on PostgreSQL.
    """

    function = "UPPER"
    output_field = CharField()

    def as_postgresql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **more: Any) -> Any:
        """Compare by bytes, whatever the database's collation: only so an index finds what begins with a text."""
        return self.as_sql(compiler, connection, template='(%(function)s(%(expressions)s) COLLATE "C")', **more)


def find_by_code(rows: QuerySet[Row], codes: Collection[str], *, field: str = "code") -> dict[str, Row]:
    """Return rows by the codes that were asked for, whatever their case. Codes that aren't found are left out.

    An exact match wins. A code of which several rows differ only in case is found only if it is typed exactly.
    """
    distinct = [code for code in dict.fromkeys(codes) if code]
    found = {getattr(row, field): row for row in rows.filter(**{f"{field}__in": distinct})}
    missing = [code for code in distinct if code not in found]
    if missing:
        folded = rows.annotate(any_case=AnyCase(field)).filter(any_case__in=[AnyCase(Value(code)) for code in missing])
        by_folded: dict[str, list[Row]] = {}
        for row in folded:
            by_folded.setdefault(getattr(row, "any_case"), []).append(row)  # noqa: B009
        for code in missing:
            same = by_folded.get(_folded_as(code, by_folded), [])
            if len(same) == 1:
                found[code] = same[0]
    return {code: found[code] for code in distinct if code in found}


def _folded_as(code: str, folded: Collection[str]) -> str:
    """Return how the database folded a code: all letters, or only the 26 of ASCII."""
    ascii_only = "".join(sign.upper() if sign.isascii() else sign for sign in code)
    return code.upper() if code.upper() in folded else ascii_only


def code_suggestions(rows: QuerySet[Any], code: str, *, field: str = "code") -> list[str]:
    """Return existing codes that a mistyped one may mean, the likeliest first; at most three."""
    folded = rows.annotate(any_case=AnyCase(field)).order_by("any_case")
    folded_text = AnyCase(Value(code))
    behind = folded.filter(any_case__gte=folded_text)[:_NEIGHBOURS]
    before = folded.filter(any_case__lt=folded_text).order_by("-any_case")[:_NEIGHBOURS]
    near = [
        *behind.values_list(field, "any_case"),
        *before.values_list(field, "any_case"),
    ]
    same = sorted(text for text, any_case in near if any_case == _folded_as(code, [any_case]))
    if same:
        return same[:_SUGGESTED_MAX]
    by_folded = {any_case: text for text, any_case in near}
    close = get_close_matches(code.upper(), by_folded, n=_SUGGESTED_MAX, cutoff=_LIKENESS)
    return [by_folded[any_case] for any_case in close]


def did_you_mean(rows: QuerySet[Any], codes: Collection[str], *, field: str = "code") -> list[Sentence]:
    """Return a question for each mistyped code that may mean an existing one, as details of a refusal."""
    questions = []
    for code in list(codes)[:_ASKED_MAX]:
        found = code_suggestions(rows, code, field=field)
        if len(codes) > 1 and found:
            questions.append(Sentence("{code}: did you mean {suggestion}?", code=code, suggestion=found[0]))
        elif len(found) > 1:
            questions.append(Sentence("Did you mean {suggestion} or {other}?", suggestion=found[0], other=found[1]))
        elif found:
            questions.append(Sentence("Did you mean {suggestion}?", suggestion=found[0]))
    return questions


def type_ahead(rows: QuerySet[Row], text: str, *, about: str, most: int, field: str = "code") -> list[Row]:
    """Return rows to choose from while a code is being typed, at most `most` of them.

    First those whose code begins with the text, by code; then those whose description (`about`) begins with it; and,
    from `CONTAINING_FROM` letters on, those whose code or description contains it.
    """
    folded = rows.annotate(any_case=AnyCase(field), any_case_about=AnyCase(about))
    searches = [_beginning(folded, "any_case", text).order_by("any_case")]
    if text:
        searches.append(_beginning(folded, "any_case_about", text).order_by("any_case_about"))
    if len(text) >= CONTAINING_FROM:
        # In any case of the same letters as AnyCase. On SQLite, `icontains` costs a third of comparing in upper case.
        searches.append(folded.filter(Q(**{f"{field}__icontains": text}) | Q(**{f"{about}__icontains": text})))
    found: dict[Any, Row] = {}
    for search in searches:
        if len(found) < most:
            found |= {row.pk: row for row in search[: most + len(found)] if row.pk not in found}
    return list(found.values())[:most]


def _beginning(rows: QuerySet[Row], name: str, text: str) -> QuerySet[Row]:
    if not text:
        return rows
    return rows.filter(**{f"{name}__gte": AnyCase(Value(text)), f"{name}__lt": AnyCase(Value(text + _LAST))})
