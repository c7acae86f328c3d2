"""The services' OpenAPI documents as one, and the page that shows it."""

import asyncio
from typing import Any

import aiohttp
from chassis.problems import Problem, add_problems
from yarl import URL

DOCS_PAGE = """<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
<title>Espace Familles : interface de programmation</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</body>
</html>
"""
DOCS_SCRIPT = 'SwaggerUIBundle({url: "/api/openapi.json", dom_id: "#swagger-ui"})\n'
DOCS_FILES = ("/api/docs/swagger-ui.css", "/api/docs/swagger-ui-bundle.js")
#: The page runs, shows and asks nothing but what comes from here.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def joined(client: aiohttp.ClientSession, upstreams: dict[str, URL], *problems: type[Problem]) -> dict[str, Any]:
    """OpenAPI 3.1 of everything behind the gateway; a service that does not answer is left out.

    `problems` are what the gateway itself may answer to any of the calls.
    """
    documents = await asyncio.gather(*(_document(client, url) for url in upstreams.values()))
    return join(dict(zip(upstreams, documents, strict=True)), *problems)


def join(documents: dict[str, dict[str, Any]], *problems: type[Problem]) -> dict[str, Any]:
    """The services' documents as one."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for service, document in documents.items():
        for operations in document.get("paths", {}).values():
            for operation in operations.values():
                operation["tags"] = [service]
                operation["operationId"] = f"{service}_{operation.get('operationId', '')}"
                add_problems(operation, *problems)
        renamed = _with_schemas_of(service, document)
        paths |= {f"/api/{service}{path}": operations for path, operations in renamed.get("paths", {}).items()}
        schemas |= {
            f"{service}.{name}": schema for name, schema in renamed.get("components", {}).get("schemas", {}).items()
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Espace Familles", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


async def _document(client: aiohttp.ClientSession, url: URL) -> dict[str, Any]:
    try:
        async with client.get(f"{url}/v1/openapi.json", raise_for_status=True) as answer:
            document: dict[str, Any] = await answer.json()
            return document
    except (aiohttp.ClientError, TimeoutError):
        return {}


def _with_schemas_of(service: str, node: Any) -> Any:
    """The same document, its references to schemas prefixed with the service's name."""
    if isinstance(node, dict):
        return {
            key: value.replace("#/components/schemas/", f"#/components/schemas/{service}.")
            if key == "$ref" and isinstance(value, str)
            else _with_schemas_of(service, value)
            for key, value in node.items()
        }
    return [_with_schemas_of(service, one) for one in node] if isinstance(node, list) else node
