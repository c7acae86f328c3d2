"""A family splits: adults have a dossier of their own from a day on, with children that move there or are shared."""

from starlette.responses import Response

from web.pages.agent.checked import FAMILY, SINCE, Wanted, checked, family, names, today
from web.roles import AGENTS
from web.visits import Visit, route

ADDRESS = {"street": "rue", "postcode": "code_postal", "city": "commune"}
CHILD = "enfant-{}"
#: What becomes of a child.
STAYS, MOVES, SHARED = "reste", "part", "deux"
CHOICES = {
    STAYS: "reste dans ce dossier seulement",
    MOVES: "part dans le nouveau dossier seulement",
    SHARED: "fait partie des deux dossiers (garde alternée)",
}


async def show(visit: Visit) -> Response:
    today(visit)
    dossier = await family(visit)
    for child in dossier.children:
        visit.form.values.setdefault(CHILD.format(child.id), [STAYS])
    return visit.page("agent/split.html", dossier=dossier, choices=CHOICES, address=ADDRESS, child_input=CHILD)


async def split(visit: Visit) -> Response:
    dossier, form = await family(visit), visit.form
    leaving = [one for one in dossier.adults if one.id in form.all("adults")]
    if not leaving:
        form.refuse("adults", "Choisissez au moins un adulte.")
    form.require(**{SINCE: "Indiquez à partir de quel jour."})
    goes = {one.id: form.get(CHILD.format(one.id)) for one in dossier.children}
    young = [one for one in dossier.children if goes[one.id] in (MOVES, SHARED)]
    address = {name: form.get(ours).strip() for name, ours in ADDRESS.items()}
    body = {
        "adults": [one.id for one in leaving],
        "children": [{"child_id": one.id, "shared": goes[one.id] == SHARED} for one in young],
        "address": address if any(address.values()) else None,
        "from": form.get(SINCE),
    }
    inputs = {f"adults/{at}": "adults" for at in range(len(leaving))} | {"adults": "adults", "from": SINCE}
    inputs |= {f"children/{at}": CHILD.format(one.id) for at, one in enumerate(young)}
    inputs |= {f"address/{name}": ours for name, ours in ADDRESS.items()}
    chosen = [
        ("Nouveau dossier", names(leaving)),
        *((f"{one.first_name}", CHOICES[goes[one.id]]) for one in dossier.children if goes[one.id] in CHOICES),
        ("Adresse", "{street}, {postcode} {city}".format(**address) if body["address"] else "la même"),
    ]
    path = f"/dossier/v1/dossiers/{dossier.id}/split"
    wanted = Wanted("Séparer la famille", "POST", path, body, chosen=chosen, inputs=inputs)
    return await checked(visit, wanted, show)


ROUTES = [route(f"{FAMILY}/separation", show, split, roles=AGENTS)]
