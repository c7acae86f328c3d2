"""A family new in town: asks for a dossier, gets it from an agent, and opens its account by the link mailed to it."""

import re

from chassis.identifiers import new_id

from deploy.local.portal import Json, Portal, RefusedError, until
from tests.actors import PASSWORD


async def test_a_family_new_in_town_ends_in_its_own_dossier(portal: Portal, agent: Portal) -> None:
    email = f"{new_id().hex}@example.org"
    who = {"first_name": "Anne", "last_name": f"Arrivée-{new_id().hex.translate(LETTERS)}", "email": email}
    address = {"street": f"{email[:8]} rue Neuve", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"}
    child = {"first_name": "Tom", "last_name": "Arrivée", "birth_date": "2019-05-02"}
    await portal.post("/identity/v1/dossier-requests", who | {"address": address, "children": [child]})
    waiting = (await agent.get("/identity/v1/dossier-requests?limit=200"))["items"]
    (request,) = [one for one in waiting if one["email"] == email]

    adult = who | {"roles": ["legal_guardian", "payer"]}
    asked = {"address": address, "adults": [adult], "children": [child]}
    made = await agent.post("/dossier/v1/dossiers", asked)
    decision = {"decision": "accepted", "dossier_id": made["id"], "reason": "Justificatif de domicile vu"}

    async def accepted() -> Json | None:
        """Once identity has heard of the dossier by its event."""
        try:
            decided: Json = await agent.post(f"/identity/v1/dossier-requests/{request['id']}/decision", decision)
        except RefusedError as refused:
            if refused.status != 422:
                raise
            return None
        return decided

    assert (await until(accepted, "the new dossier known"))["status"] == "accepted"
    mail = await portal.mail(email, "Votre dossier est créé")
    claim = re.search(r"/inscrivez-vous\?token=([\w-]+)", mail["text"])
    assert claim is not None
    await portal.register(claim[1], f"nouvelle-{email[:12]}", PASSWORD, **who)
    await portal.activate(await portal.activation_token(email), PASSWORD)
    await portal.sign_in(email, PASSWORD)
    mine = await portal.get("/dossier/v1/dossiers/mine")
    assert (mine["number"], [one["first_name"] for one in mine["children"]]) == (made["number"], ["Tom"])


#: Names are made of letters.
LETTERS = str.maketrans("0123456789", "ghijklmnop")
