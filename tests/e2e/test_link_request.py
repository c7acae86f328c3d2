"""A guardian whose email the town does not know: asked for on the same screen, attached by an agent without a visit."""

import re

import pytest

from deploy.local.portal import Portal, RefusedError, until
from tests.actors import PASSWORD, Guardian


async def test_a_wrong_email_ends_in_an_account_by_an_agents_decision(
    portal: Portal, agent: Portal, guardian: Guardian
) -> None:
    email = f"nouvelle.{guardian.email}"
    with pytest.raises(RefusedError) as refused:
        await portal.claim(guardian.number, guardian.last_name, email)
    assert refused.value.status == 404
    asked = guardian.names() | {"email": email, "dossier_number": guardian.number}
    await portal.post("/identity/v1/link-requests", asked)

    waiting = (await agent.get("/identity/v1/link-requests?limit=200"))["items"]
    (request,) = [one for one in waiting if one["email"] == email]
    (guardian_id,) = [one["guardian_id"] for one in request["candidates"] if one["email"] == guardian.email]
    decision = {"decision": "accepted", "guardian_id": guardian_id, "reason": "Pièce d'identité reçue"}
    await agent.post(f"/identity/v1/link-requests/{request['id']}/decision", decision)

    mail = await portal.mail(email, "rattachement est acceptée")
    claim = re.search(rf"{re.escape(portal.stack.web)}/inscrivez-vous\?token=([\w-]+)", mail["text"])
    assert claim is not None
    assert await portal.mail(guardian.email, "autre adresse est acceptée")
    await portal.register(claim[1], guardian.username, PASSWORD, **guardian.names() | {"email": email})
    await portal.activate(await portal.activation_token(email), PASSWORD)
    await portal.sign_in(email, PASSWORD)

    async def known() -> bool | None:
        """The dossier has heard of the address by its event."""
        adults = (await portal.get("/dossier/v1/dossiers/mine"))["adults"]
        return any(one["email"] == email for one in adults) or None

    assert await until(known, "the dossier's new email")
