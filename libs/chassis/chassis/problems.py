"""Errors as RFC 9457 problem documents, in French, each saying why and what to do."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException

from chassis.trouble import is_contention, is_trouble, is_unstorable, said

log = structlog.get_logger()

F = TypeVar("F", bound=Callable[..., Any])


class Problem(Exception):
    """Base of every error that a caller is told about: a subclass knows its URN, status and French sentence.

    `errors` are `{pointer, detail}` (JSON pointers into the body); `extra` members stand beside the standard ones.
    """

    type: ClassVar[str]
    status: ClassVar[int] = 409
    title: ClassVar[str]
    detail: str = ""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after_s: int | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.detail)
        self.detail = detail or self.detail
        self.errors, self.retry_after_s, self.extra = errors, retry_after_s, extra

    def response(self) -> Response:
        body: dict[str, Any] = {
            "type": self.type,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **({"errors": list(self.errors)} if self.errors else {}),
            **self.extra,
        }
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return JSONResponse(body, self.status, headers, "application/problem+json")


class FieldError(BaseModel):
    """One field of the body, as a JSON pointer, and what is wrong with it."""

    pointer: str
    detail: str


class ProblemDocument(BaseModel):
    """RFC 9457. `detail` says in French why and what to do; some types have members of their own."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


def problems(*kinds: type[Problem]) -> Callable[[F], F]:
    """Under a route's decorator: what it may answer beside what follows from its policy and parameters."""

    def mark(endpoint: F) -> F:
        endpoint.problems = kinds  # type: ignore[attr-defined] # read by chassis.openapi
        return endpoint

    return mark


def add_problems(operation: dict[str, Any], *kinds: type[Problem]) -> None:
    """Say in an OpenAPI operation that it may answer these; those of one status share its response."""
    for kind in sorted(set(kinds), key=lambda kind: (kind.status, kind.type)):
        answer = operation["responses"].setdefault(str(kind.status), {"description": "", "content": {}})
        said = answer["content"].setdefault(
            "application/problem+json",
            {
                "schema": {
                    "allOf": [{"$ref": f"#/components/schemas/{ProblemDocument.__name__}"}],
                    "properties": {"type": {"enum": []}},
                }
            },
        )
        types = said["schema"]["properties"]["type"]["enum"]
        if kind.type not in types:
            types.append(kind.type)
            answer["description"] = " / ".join(filter(None, (answer["description"], kind.title)))


class Malformed(Problem):
    type = "urn:problem:malformed"
    status = 422
    title = "Demande incomplète ou incorrecte"
    detail = "Certaines informations manquent ou ne sont pas correctes : voyez le détail de chaque champ."


class Forbidden(Problem):
    type = "urn:problem:forbidden"
    status = 403
    title = "Action réservée"
    detail = "Votre profil ne permet pas cette action."


class NotFound(Problem):
    """Also the answer for what belongs to somebody else."""

    type = "urn:problem:not-found"
    status = 404
    title = "Introuvable"
    detail = "Cet élément n'existe pas, ou vous n'y avez pas accès."


class MethodNotAllowed(Problem):
    type = "urn:problem:method-not-allowed"
    status = 405
    title = "Action impossible"
    detail = "Cette adresse n'accepte pas cette action."

    def __init__(self, *allowed: str) -> None:
        super().__init__()
        self.allowed = allowed

    def response(self) -> Response:
        response = super().response()
        if self.allowed:
            response.headers["Allow"] = ", ".join(self.allowed)
        return response


class TooLarge(Problem):
    type = "urn:problem:too-large"
    status = 413
    title = "Envoi trop volumineux"
    detail = "L'envoi dépasse la taille acceptée : réduisez-le, puis recommencez."


class Unavailable(Problem):
    type = "urn:problem:unavailable"
    status = 503
    title = "Service momentanément indisponible"
    detail = "Le service ne répond pas pour le moment ; rien n'a été enregistré. Réessayez dans quelques instants."


class Unexpected(Problem):
    type = "urn:problem:unexpected"
    status = 500
    title = "Erreur imprévue"
    detail = "Une erreur imprévue est survenue ; rien n'a été enregistré. Réessayez, puis prévenez la mairie."


_FIELD_ERRORS = {
    "missing": "Ce champ est obligatoire.",
    "extra_forbidden": "Ce champ n'est pas accepté.",
    "model_attributes_type": "Un objet JSON est attendu (Content-Type: application/json).",
    "json_invalid": "Le contenu n'est pas du JSON valide.",
    "string_too_short": "Ce texte est trop court ({min_length} caractères au moins).",
    "string_too_long": "Ce texte est trop long ({max_length} caractères au plus).",
    "too_short": "Il en faut au moins {min_length}.",
    "too_long": "Il y en a trop ({max_length} au plus).",
    "uuid_parsing": "Ce n'est pas un identifiant valable.",
    "uuid_type": "Ce n'est pas un identifiant valable.",
    "string_type": "Un texte est attendu.",
    "string_unicode": "Ce texte contient un caractère qui n'est pas accepté.",
    "string_pattern_mismatch": "Ce texte contient un caractère refusé, un retour à la ligne par exemple.",
    "bool_type": "Vrai ou faux est attendu.",
    "int_parsing": "Un nombre entier est attendu.",
    "int_type": "Un nombre entier est attendu.",
    "date_from_datetime_parsing": "Une date (AAAA-MM-JJ) est attendue.",
    "date_parsing": "Une date (AAAA-MM-JJ) est attendue.",
    "date_type": "Une date (AAAA-MM-JJ) est attendue.",
    "time_type": "Une heure (HH:MM:SS) est attendue.",
    "int_from_float": "Un nombre entier est attendu.",
    "decimal_parsing": "Un nombre est attendu.",
    "decimal_type": "Un nombre est attendu.",
    "greater_than_equal": "La valeur doit être d'au moins {ge}.",
    "less_than_equal": "La valeur doit être d'au plus {le}.",
    "literal_error": "Une de ces valeurs est attendue : {expected}.",
    "list_type": "Une liste est attendue.",
    "model_type": "Un groupe de champs est attendu.",
    "union_tag_not_found": "Ce groupe de champs doit comporter {discriminator}.",
    "union_tag_invalid": "Une de ces valeurs est attendue pour {discriminator} : {expected_tags}.",
}


#: Of what no field can be named.
_UNREADABLE = {"pointer": "", "detail": "Le contenu n'a pas pu être lu : vérifiez sa forme, puis renvoyez-le."}
_UNSTORABLE = {"pointer": "", "detail": "Une de ces valeurs contient un caractère ou un nombre qui n'est pas accepté."}


def in_french(error: ErrorDetails) -> str:
    """What pydantic found, as one sentence; a rule of ours (ValueError in a validator) already speaks French."""
    if error["type"] == "value_error":
        return error["msg"].removeprefix("Value error, ")
    text = _FIELD_ERRORS.get(error["type"], "Cette valeur n'est pas acceptée.")
    return text.format(**error.get("ctx", {})).replace("' or '", "' ou '")


def place(document: Any, loc: Sequence[int | str]) -> list[int | str]:
    """The way in the document to what pydantic speaks of: it also names which part of a union it tried."""
    found: list[int | str] = []
    for number, step in enumerate(loc, start=1):
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            if number < len(loc):  # only the last can be missing
                continue
        found.append(step)
    return found


def _field_errors(error: RequestValidationError) -> list[dict[str, str]]:
    found = []
    for one in error.errors():
        where: Sequence[int | str] = one["loc"]
        if where and where[0] == "body":
            where = place(error.body, where[1:])
        if one["type"] == "json_invalid":
            where = ()  # a place in the text, not in the document
        found.append({"pointer": "".join(f"/{part}" for part in where), "detail": in_french(one)})
    return found


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 -- registered for Problem only
    return error.response()


async def _malformed(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 -- registered for it only
    return Malformed(errors=_field_errors(error)).response()


async def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for it only
    if isinstance(error.__cause__, Problem):  # raised while the body was read, and wrapped by the framework
        return error.__cause__.response()
    known: dict[int, type[Problem]] = {404: NotFound, 405: MethodNotAllowed, 413: TooLarge}
    kind = known.get(error.status_code)
    answer = (kind() if kind else Malformed(errors=[_UNREADABLE])).response()
    answer.headers.update(error.headers or {})  # which methods are allowed
    return answer


def unexpected(error: Exception) -> Problem:
    """What the caller is told of an error that nobody foresaw; the logs have the rest."""
    if is_trouble(error) or is_contention(error):
        log.warning("database_unavailable", error=said(error))
        return Unavailable(retry_after_s=2)
    if is_unstorable(error):
        log.warning("value_refused_by_database", error=said(error))
        return Malformed(errors=[_UNSTORABLE])
    log.error("unexpected_error", exc_info=error)
    return Unexpected()


def answer_problems(app: FastAPI) -> None:
    """Turn every error that the application foresees into a problem document; `unexpected` is for the others."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
