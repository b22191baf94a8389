"""The page about the API for people, made from the description that programs get.

The description is read from its address, so the pages depend on nothing of the API.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, resolve, reverse

from backflush.delivery.payloads import JSON, JSON_LINES
from backflush.web.platform.decorators import page
from backflush.web.platform.visit import PageRequest

HERE: Final = "#/components/schemas/"
REFUSED_FROM: Final = 400
MEANS: Final = {
    "site": "The site code.",
    "number": "The works order number.",
    "item": "Only unresolved movements of this item.",
    "after": "The `after` value of the previous page.",
}
"""The descriptions of path and query parameters."""
METHODS: Final = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type of a value in words; `shape` names a schema that the page describes elsewhere."""

    word: str
    shape: str = ""


@dataclass(frozen=True, slots=True)
class FieldDescription:
    """One field or parameter."""

    name: str
    kind: ValueType
    needed: bool
    means: str
    where: str = ""


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of a schema, or of one of its variants, with an example."""

    title: str
    fields: Sequence[FieldDescription]
    example: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema of a request or response: its variants, or the other schemas that it is one of."""

    name: str
    means: str
    kinds: Sequence[Fields]
    others: Sequence[ValueType] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One possible response to a request."""

    status: int
    word: str
    media: str
    kind: ValueType


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API."""

    name: str
    tag: str
    title: str
    method: str
    address: str
    means: str
    parameters: Sequence[FieldDescription]
    bodies: Sequence[tuple[str, ValueType]]
    answers: Sequence[Answer]
    refused: str
    example: str


@page()
def programs_page(request: PageRequest) -> HttpResponse:
    """Show the operations of the API, with examples for this site."""
    described = _description(request)
    root = request.build_absolute_uri("/").rstrip("/")
    operations = list(_operations(described, root, request.visit.site.code))
    shown = {
        "tags": [(tag, list(some)) for tag, some in groupby(operations, key=lambda one: one.tag)],
        "shapes": [_shape(name, shape) for name, shape in described["components"]["schemas"].items()],
        "refusals": described["x-refusals"],
        "description": reverse("api:openapi-json"),
    }
    return render(request, "web/platform/programs.html", shown)


def _operations(described: Mapping[str, Any], root: str, site: str) -> Iterator[Operation]:
    for address, methods in described["paths"].items():
        for method in METHODS:
            if method in methods:
                yield _operation(
                    described, f"{root}{address.replace('{site}', site)}", address, method, methods[method]
                )


def _operation(
    described: Mapping[str, Any], there: str, address: str, method: str, one: Mapping[str, Any]
) -> Operation:
    bodies = one.get("requestBody", {}).get("content", {})
    answers = sorted((int(status), answer) for status, answer in one["responses"].items())
    return Operation(
        name=one["operationId"],
        tag=one["tags"][0],
        title=one["summary"],
        method=method.upper(),
        address=address,
        means=" ".join(one.get("description", "").split()),
        parameters=[_parameter(parameter) for parameter in one.get("parameters", ())],
        bodies=[(media, _kind(body["schema"])) for media, body in bodies.items()],
        answers=[_answer(status, answer) for status, answer in answers if status < REFUSED_FROM],
        refused=", ".join(str(status) for status, _ in answers if status >= REFUSED_FROM),
        example=_example(described, there, bodies),
    )


def _parameter(one: Mapping[str, Any]) -> FieldDescription:
    means = one.get("description", MEANS.get(one["name"], ""))
    return FieldDescription(one["name"], _kind(one["schema"]), one["required"], means, one["in"])


def _answer(status: int, answer: Mapping[str, Any]) -> Answer:
    media, content = next(iter(answer["content"].items()))
    return Answer(status, HTTPStatus(status).phrase, media, _kind(content["schema"]))


def _kind(schema: Mapping[str, Any]) -> ValueType:
    """Return the type of a value. Covers only what our own schemas use; a test fails for anything else."""
    match schema:
        case {"$ref": str(name)}:
            return ValueType("", name.removeprefix(HERE))
        case {"const": word}:
            return ValueType(json.dumps(word))
        case {"enum": words}:
            return ValueType(", ".join(map(json.dumps, words)))
        case {"anyOf": [one, {"type": "null"}]}:
            return ValueType(f"{_kind(one).word} or null")
        case {"type": "array", "items": items}:
            inner = _kind(items)
            return ValueType("list of" if inner.shape else f"list of {inner.word}", inner.shape)
    return ValueType(schema["type"])


def _shape(name: str, schema: Mapping[str, Any]) -> Shape:
    variants = schema.get("oneOf", [schema])
    kinds = [_fields(variant) for variant in variants if "$ref" not in variant]
    others = [_kind(variant) for variant in variants if "$ref" in variant]
    return Shape(name, " ".join(schema.get("description", "").split()), kinds, others)


def _fields(schema: Mapping[str, Any]) -> Fields:
    needed = schema.get("required", ())
    fields = [
        FieldDescription(name, _kind(about), name in needed, about.get("description", ""))
        for name, about in schema["properties"].items()
    ]
    return Fields(schema["title"], fields, "".join(json.dumps(one) for one in schema.get("examples", ())))


def _example(described: Mapping[str, Any], there: str, bodies: Mapping[str, Any]) -> str:
    """Return a curl command. The token is a shell variable, so that it isn't stored in the shell's history."""
    filled = there.replace("{number}", "W-1001")
    parts = [f"curl {filled}", '-H "Authorization: Bearer $TOKEN"']
    if bodies:
        media = JSON_LINES if JSON_LINES in bodies else JSON
        examples = [kind["examples"][0] for kind in described["components"]["schemas"]["Booking"]["oneOf"]]
        sent = "@bookings.jsonl" if media == JSON_LINES else f"'{json.dumps(examples[0])}'"
        parts += [f'-H "Content-Type: {media}"', f"--data-binary {sent}"]
    return " \\\n  ".join(parts)


def _description(request: HttpRequest) -> Any:
    """Return the description of the API, as its own view answers it."""
    view, arguments, named = resolve(reverse("api:openapi-json"))
    return json.loads(view(request, *arguments, **named).content)


urlpatterns = [path("programs/", programs_page, name="programs")]
