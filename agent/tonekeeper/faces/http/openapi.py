"""The OpenAPI 3.1 document of what this agent answers: made of the table of its resources and the types it encodes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from tonekeeper.faces.http.operation import Operation, Parameter

_TEXT = "text/plain"

Document = dict[str, Any]


def render_openapi(resources: Mapping[str, Mapping[str, Operation]], version: str, *, asks_for_token: bool) -> bytes:
    """JSON. `version`: of the agent."""
    described = [operation for operations in resources.values() for operation in operations.values()]
    references, schemas = _schemas(described)
    document: Document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Tonekeeper agent",
            "version": version,
            "description": "A key keeps its meaning; new keys may come, and whoever reads ignores those not known.",
        },
        "servers": [{"url": "/"}],
        "paths": {
            path: {method.lower(): _operation(one, references) for method, one in sorted(operations.items())}
            for path, operations in sorted(resources.items())
        },
        "components": {"schemas": schemas},
    }
    if asks_for_token:
        document["security"] = [{"bearer": []}, {"basic": []}]
        document["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "basic": {"type": "http", "scheme": "basic", "description": "Any name; the token as password"},
        }
    return msgspec.json.encode(document)


def _schemas(operations: Iterable[Operation]) -> tuple[dict[type, Document], Document]:
    """A reference for each type that is sent or taken, and what the references lead to."""
    types = list(dict.fromkeys(kind for one in operations for kind in (one.answer, one.body) if isinstance(kind, type)))
    references, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return dict(zip(types, references, strict=True)), schemas


def _operation(operation: Operation, references: Mapping[type, Document]) -> Document:
    if isinstance(operation.answer, type):
        content: Document = {"application/json": {"schema": references[operation.answer]}}
    else:
        content = {media_type: {} for media_type in operation.answer}
    answered: Document = {"description": operation.status.phrase, "content": content}
    described: Document = {"summary": operation.summary, "responses": {str(operation.status.value): answered}}
    if operation.has_tag:
        answered["headers"] = {"ETag": {"required": True, "schema": {"type": "string"}}}
        described["responses"]["304"] = {"description": "Nothing has happened since the answer with this tag"}
    for status in operation.refusals if operation.is_open else (HTTPStatus.UNAUTHORIZED, *operation.refusals):
        refusal = {"description": status.phrase, "content": {_TEXT: {"schema": {"type": "string"}}}}
        described["responses"][str(status.value)] = refusal
    if operation.parameters:
        described["parameters"] = [_parameter(one) for one in operation.parameters]
    if operation.body is not None:
        described["requestBody"] = {"content": {"application/json": {"schema": references[operation.body]}}}
    if operation.is_open:
        described["security"] = []
    return described


def _parameter(parameter: Parameter) -> Document:
    schema = msgspec.json.schema(parameter.kind)
    return {"name": parameter.name, "in": "query", "description": parameter.summary, "schema": schema}
