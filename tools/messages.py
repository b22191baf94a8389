"""The pages' texts for translators: `collect` brings each language's .po up to date, `compile` makes its .mo.

    .venv/bin/python tools/messages.py collect
    .venv/bin/python tools/messages.py compile

Babel does both, so nobody needs GNU gettext. Texts come from three places: calls of gettext in the pages' modules, the
translate tags of templates, and the sentences of refusals anywhere in the package. A refusal's sentence is put
together where it is raised, by rooms that know of no language; here its f-string becomes a template, `{item.code}` a
place to fill, and its code the context. The pages find the template again by the sentence
(`backflush/web/display/translation.py`).
"""

import ast
import json
import sys
from collections.abc import Iterator
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
ELSEWHERE = {"config", "console", "demo"}
"""What refuses on the command line only, which speaks English."""
WORD = "word"
OWN_CONTEXTS = {WORD, "date"}
"""What has no place to fill: all other contexts are codes of refusals and findings."""
WORDED = {"StrEnum", "TextChoices"}
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "lazy": None,
    "marked": None,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def collect() -> None:
    """Bring the .po of every language up to date; what is no longer said stays at its end, for when it comes back."""
    found = all_texts()
    for folder in sorted(file.parent for file in LOCALE.glob("*/LC_MESSAGES")):
        file = folder / "LC_MESSAGES" / "django.po"
        catalog = (
            read_po(file.open("rb"), locale=folder.name)
            if file.exists()
            else Catalog(locale=folder.name, project="Backflush", version="0", copyright_holder="", fuzzy=False)
        )
        catalog.update(found, no_fuzzy_matching=True)
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as target:
            write_po(target, catalog, width=120, sort_output=True, no_location=True, omit_header=False)
        said = sum(1 for message in catalog if message.id and message.string and any(message.string))
        print(f"{folder.name}: {said} of {len(catalog)} texts are translated")


def compile_all() -> None:
    """Make the .mo of every language, which is what Django reads, and the templates of the refusals beside them."""
    templates: dict[str, set[str]] = {}
    for file in sorted(LOCALE.glob("*/LC_MESSAGES/django.po")):
        catalog = read_po(file.open("rb"), locale=file.parent.parent.name)
        with file.with_suffix(".mo").open("wb") as target:
            write_mo(target, catalog)
        for message in catalog:
            if message.context and message.context not in OWN_CONTEXTS:
                templates.setdefault(message.context, set()).add(str(message.id))
    sentences = {code: sorted(found) for code, found in sorted(templates.items())}
    (LOCALE / "sentences.json").write_text(json.dumps(sentences), encoding="utf-8")


def all_texts() -> Catalog:
    """Every text there is."""
    settings.configure(USE_I18N=True)
    django.setup()
    catalog = Catalog()
    for file in sorted(PACKAGE.rglob("*.py")):
        if file.is_relative_to(PACKAGE / "web"):
            _add(catalog, "python", file.read_bytes())
        if file.relative_to(PACKAGE).parts[0] not in ELSEWHERE:
            for code, sentence in refusals_in(file.read_text(encoding="utf-8")):
                catalog.add(sentence, context=code)
        for word in words_in(file.read_text(encoding="utf-8")):
            catalog.add(word, context=WORD)
    for file in sorted((PACKAGE / "web" / "templates").rglob("*.html")):
        calls = templatize(file.read_text(encoding="utf-8"), origin=str(file))
        # As Python it would trip over the indentation of the page.
        _add(catalog, "python", "\n".join(line.strip() for line in calls.splitlines()).encode())
    return catalog


def _add(catalog: Catalog, method: str, source: bytes) -> None:
    for _, text, _, context in extract(method, BytesIO(source), keywords=KEYWORDS):
        catalog.add(text, context=context)


def refusals_in(source: str) -> Iterator[tuple[str, str]]:
    """The sentences that refusals are raised with in a module, each with the refusal's code."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            code, sentence = CODES.get(node.func.id, ""), _template(node.args[0])
            if code and sentence:
                yield code, sentence
            elif node.func.id == "found":
                yield from _of_finding(node)


def _of_finding(call: ast.Call) -> Iterator[tuple[str, str]]:
    """What the doctor says of a finding, and what it says should be done, with the finding's code."""
    code, _, *said = call.args
    for sentence in said[:2]:
        if template := _template(sentence):
            yield from ((one, template) for one in _kinds(code))


def _kinds(code: ast.expr) -> list[str]:
    """The kinds of finding that a code stands for: one, or all that end alike where its beginning is put in."""
    if isinstance(code, ast.Constant):
        return [str(code.value)]
    if not isinstance(code, ast.JoinedStr):
        return []
    ending = "".join(str(part.value) for part in code.values if isinstance(part, ast.Constant))
    named = (PACKAGE / "doctor" / "findings.py").read_text(encoding="utf-8")
    keys = [key for node in ast.walk(ast.parse(named)) if isinstance(node, ast.Dict) for key in node.keys]
    return [str(key.value) for key in keys if isinstance(key, ast.Constant) and str(key.value).endswith(ending)]


def words_in(source: str) -> Iterator[str]:
    """The words that a module has for a few kinds of things: the values of its enumerations, or their labels."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and any(
            getattr(base, "id", getattr(base, "attr", "")) in WORDED for base in node.bases
        ):
            for line in node.body:
                if isinstance(line, ast.Assign):
                    said = line.value.elts[-1] if isinstance(line.value, ast.Tuple) else line.value
                    if isinstance(said, ast.Constant) and isinstance(said.value, str) and said.value:
                        yield said.value
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Kind":
            yield from (one.value for one in node.args if isinstance(one, ast.Constant))


def _codes() -> dict[str, str]:
    """Every refusal's code, by its class."""
    tree = ast.parse((PACKAGE / "core" / "refusals.py").read_text(encoding="utf-8"))
    return {
        kind.name: line.value.value
        for kind in tree.body
        if isinstance(kind, ast.ClassDef)
        for line in kind.body
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant)
    }


def _template(sentence: ast.expr) -> str:
    """An f-string as a template, its places named by what stands in them; empty for what is put together otherwise."""
    if isinstance(sentence, ast.Constant) and isinstance(sentence.value, str):
        return sentence.value
    if not isinstance(sentence, ast.JoinedStr):
        return ""
    parts, names = [], []
    for part in sentence.values:
        if isinstance(part, ast.Constant):
            parts.append(part.value.replace("{", "{{").replace("}", "}}"))
        elif isinstance(part, ast.FormattedValue):
            names.append(_name(part.value, names))
            parts.append(f"{{{names[-1]}}}")
    return "".join(parts)


def _name(value: ast.expr, taken: list[str]) -> str:
    """A word for what stands in a place: its last name, and a number where two are called the same."""
    words = [node.attr if isinstance(node, ast.Attribute) else node.id
             for node in ast.walk(value) if isinstance(node, ast.Attribute | ast.Name)]  # fmt: skip
    plain = [word for word in words if word not in ("written", "named", "len", "code", "path", "name")]
    name = (plain or words or ["part"])[0].strip("_")
    again = sum(one == name or one.startswith(f"{name}_") for one in taken)
    return f"{name}_{again + 1}" if again else name


CODES = _codes()

if __name__ == "__main__":
    {"collect": collect, "compile": compile_all}[sys.argv[1]]()
