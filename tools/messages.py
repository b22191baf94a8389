"""Update the translators' files: each language's texts (`django.po`), and the compiled form that Django reads (`.mo`).

    .venv/bin/python tools/messages.py          # update every language that is there
    .venv/bin/python tools/messages.py fr       # begin French

The texts come from the calls of gettext in the package, the translate tags of templates, the templates of refusals and
other sentences (`core/sentences.py`), and the words of enumerations. Babel reads and writes the files, so GNU gettext
isn't needed. docs/languages.md says how to add a language.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import django
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "backflush"
LOCALE = PACKAGE / "locale"
ENGLISH_ONLY = {"api", "config", "console", "demo"}
"""Packages whose sentences no page shows: the command line and the API are in English."""
WORD = "word"
"""The context of words that pages translate with `translation.word`."""
ENUMERATIONS = {"StrEnum", "TextChoices"}
_PLACE = re.compile(r"%\(\w+\)s|\{\w+\}")
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy": None,
    "marked": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def update(locale: Path, texts: Catalog, languages: list[str]) -> None:
    """Bring the files of every language up to date, and of `languages` even if they have none yet.

    Translations of texts that are gone stay at the end of the file, for when a text comes back.
    """
    there = {file.parent.parent.name for file in locale.glob("*/LC_MESSAGES/django.po")}
    for language in sorted(there.union(languages)):
        file = locale / language / "LC_MESSAGES" / "django.po"
        catalog = read(file) if file.exists() else Catalog(language, project="Backflush", version="0", fuzzy=False)
        catalog.update(texts, no_fuzzy_matching=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as target:
            write_po(target, catalog, width=120, sort_output=True, no_location=True)
        file.with_suffix(".mo").write_bytes(compiled(catalog))
        print(f"{language}: {len(texts)} texts, {len(faults(catalog, texts))} of them missing or wrong")


def read(file: Path) -> Catalog:
    """Read a language's file."""
    with file.open("rb") as source:
        return read_po(source, locale=file.parent.parent.name)


def compiled(catalog: Catalog) -> bytes:
    """Return the form of a language's texts that Django reads."""
    target = BytesIO()
    write_mo(target, catalog)
    return target.getvalue()


def faults(catalog: Catalog, texts: Catalog) -> list[str]:
    """Return what keeps a language from being offered: texts without a translation, or with other places in it."""
    found = []
    for text in texts:
        message = catalog.get(text.id, text.context) if text.id else None
        translations = _forms(message.string) if message is not None and not message.fuzzy else []
        if text.id and not (translations and all(translations)):
            found.append(f"{_forms(text.id)[0]!r} isn't translated")
        found += [f"{one!r} has other places" for one in translations if not _places(one) <= _places(*_forms(text.id))]
    return found


def _forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def _places(*texts: str) -> set[str]:
    return {place for text in texts for place in _PLACE.findall(text)}


def all_texts() -> Catalog:
    """Return every text that pages show."""
    if not settings.configured:
        settings.configure(USE_I18N=True)
        django.setup()
    catalog = Catalog()
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in sorted(PACKAGE.rglob("*.py"))}
    makers = sentence_makers(trees.values())
    for file, tree in trees.items():
        if file.relative_to(PACKAGE).parts[0] not in ENGLISH_ONLY:
            _add_source(catalog, file.read_bytes())
            for sentence in sentences_in(tree, makers):
                catalog.add(sentence)
        for word in words_in(tree):
            catalog.add(word, context=WORD)
    for file in sorted((PACKAGE / "web" / "templates").rglob("*.html")):
        calls = templatize(file.read_text(encoding="utf-8"), origin=str(file))
        # Python would stumble over the template's indentation.
        _add_source(catalog, "\n".join(line.strip() for line in calls.splitlines()).encode())
    return catalog


def _add_source(catalog: Catalog, source: bytes) -> None:
    for _, text, _, context in extract("python", BytesIO(source), keywords=KEYWORDS):
        catalog.add(text, context=context)


def sentence_makers(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names that make a sentence from a template: `Sentence`, and every class of refusals."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    makers, more = set[str](), {"Sentence", "Refusal"}
    while more:
        makers |= more
        more = {one.name for one in classes if any(getattr(base, "id", "") in makers for base in one.bases)} - makers
    return makers


def sentences_in(tree: ast.Module, makers: set[str]) -> Iterator[str]:
    """Yield the templates of the sentences that a module makes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in makers and node.args:
            template = node.args[0]
            if isinstance(template, ast.Constant) and isinstance(template.value, str):
                yield template.value


def words_in(tree: ast.Module) -> Iterator[str]:
    """Yield the words of a module: the values of its enumerations or their labels, headings of findings, `Word`s."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and any(
            getattr(base, "id", getattr(base, "attr", "")) in ENUMERATIONS for base in node.bases
        ):
            for line in node.body:
                if isinstance(line, ast.Assign):
                    value = line.value.elts[-1] if isinstance(line.value, ast.Tuple) else line.value
                    if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                        yield value.value
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"FindingKind", "Word"}:
            yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))


if __name__ == "__main__":
    update(LOCALE, all_texts(), sys.argv[1:])
