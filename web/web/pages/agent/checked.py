"""What an agent changes of a household: said, then what it comes to (« Vérifier »), then done (« Confirmer »).

One address a form: `checked` is what its `send` ends with. What was said stays in the page, in hidden inputs.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chassis import clock
from french.paris import day_in_paris
from starlette.responses import Response

from web.answers.dossier import Adult, Child, Dossier, FoundDossier, Person, Touched
from web.pages.agent.families import numbered
from web.pages.dossier_edits import overtaken, seen
from web.refusals import Refused
from web.visits import Handler, Visit

FAMILY = "/agent/dossiers/{dossier_id}"
#: The button that was pressed, the inputs of a day and of another dossier's number.
DO, SINCE, NUMBER = "faire", "from", "numero"
AGAIN, CONFIRM = "modifier", "confirmer"
UNKNOWN = "Aucun dossier ne porte ce numéro : vérifiez-le, ou cherchez la famille par son nom."
ITSELF = "C'est le numéro de ce dossier : indiquez celui de l'autre."


@dataclass(frozen=True)
class Wanted:
    """What is asked of the API; `chosen` is shown before what it comes to; `inputs` are of the API's fields;
    `done` is what the family's page then says (`dossiers.DONE`).
    """

    title: str
    method: str
    path: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    chosen: list[tuple[str, str]] = field(default_factory=list)
    inputs: Mapping[str, str] = field(default_factory=dict)
    template: str = "agent/checked.html"
    done: str = "enregistre"
    more: Callable[[], Mapping[str, Any]] = dict


async def family(visit: Visit) -> Dossier:
    """The dossier in the path. Raises NotFound, Refused."""
    return await visit.api.get(Dossier, f"/dossier/v1/dossiers/{visit.path('dossier_id')}")


def page_of(visit: Visit) -> str:
    """The page of the family in the path."""
    return FAMILY.format(dossier_id=visit.path("dossier_id"))


def today(visit: Visit) -> None:
    """The form begins with this day."""
    visit.form.values.setdefault(SINCE, [day_in_paris(clock.now()).isoformat()])


async def other(visit: Visit, dossier: Dossier) -> FoundDossier | None:
    """The dossier whose number was given; what is wrong with it is in the form."""
    if not visit.form.require(**{NUMBER: "Indiquez le numéro de l'autre dossier."}):
        return None
    number = visit.form.get(NUMBER).strip()
    found = await numbered(visit, number)
    if found is None or found.id == dossier.id:
        visit.form.refuse(NUMBER, UNKNOWN if found is None else ITSELF)
        return None
    return found


def names(people: Iterable[Adult | Child | Person]) -> str:
    return ", ".join(f"{one.first_name} {one.last_name}" for one in people)


def described(found: Dossier | FoundDossier) -> str:
    """« Dossier 100002 : Awa Diallo, Issa Diallo ; 3 rue des Lilas, 94990 Villeneuve »."""
    at = found.address
    where = f" ; {at.street}, {at.postcode} {at.city}" if at else ""
    return f"Dossier {found.number} : {names((*found.adults, *found.children))}{where}"


async def checked(visit: Visit, wanted: Wanted, show: Handler) -> Response:
    """What was said would come to this; or, confirmed, it has. Else the form again, with what is wrong in it."""
    form, confirmed = visit.form, visit.form.get(DO) == CONFIRM
    if form.errors or form.get(DO) == AGAIN:
        return await show(visit)
    try:
        query = {**wanted.query} if confirmed else {**wanted.query, "preview": "true"}
        said = await visit.api.call(wanted.method, wanted.path, wanted.body, seen=seen(visit), query=query)
    except Refused as refused:
        if not overtaken(visit, refused):
            form.refused(refused, wanted.inputs.values(), wanted.inputs)
        return await show(visit)
    touched = Touched.model_validate_json(said or b"{}")
    if confirmed:
        return visit.go(_after(visit, touched, wanted.done))
    return visit.page(
        wanted.template,
        wanted=wanted,
        touches=touched.touches,
        values={name: some for name, some in visit.kept(form.values).items() if name != DO},
        path=visit.request.url.path,
        **wanted.more(),
    )


def _after(visit: Visit, touched: Touched, done: str) -> str:
    here = page_of(visit)
    if touched.planned:
        return f"{here}/changements-prevus?prevu"
    if touched.created:
        return f"{here}?separe={touched.created.id}"
    if touched.into:
        return f"{FAMILY.format(dossier_id=touched.into.id)}?reuni"
    return f"{here}?{done}"
