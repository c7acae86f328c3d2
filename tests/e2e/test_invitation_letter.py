"""A guardian whom no mail reaches: invited by a letter that the desk prints, in by its code, without a visit."""

import re
from io import BytesIO

from pypdf import PdfReader

from deploy.local.portal import Portal
from tests.actors import PASSWORD, Guardian


async def test_the_code_of_a_printed_letter_opens_the_dossier(
    portal: Portal, agent: Portal, guardian: Guardian
) -> None:
    await agent.post(f"/identity/v1/dossiers/{guardian.dossier_id}/invitation", {})
    own = {"Authorization": f"Bearer {agent.token}"}
    async with agent.client.get("/api/identity/v1/letters", headers=own) as answer:
        assert (answer.status, answer.content_type) == (200, "application/pdf")
        run_id, pages = answer.headers["ETag"].strip('"'), PdfReader(BytesIO(await answer.read())).pages
    letters = [" ".join(page.extract_text().split()) for page in pages]
    [letter] = [one for one in letters if f"Bonjour {guardian.first_name} {guardian.last_name}, " in one]
    assert f"Dossier {guardian.number}" in letter
    assert (await agent.post("/identity/v1/letters/printed", {"run_id": run_id}))["letters"] == len(letters)
    waiting = (await agent.get("/identity/v1/letters/waiting?limit=200"))["items"]
    assert guardian.number not in [one["number"] for one in waiting]

    code = re.search(r"ce code : ([A-Z2-9-]{14})", letter)
    assert code is not None
    claim = (await portal.post("/identity/v1/claims/by-code", {"code": code[1]}))["dossier_claim"]
    email = f"choisie.{guardian.email}"
    await portal.register(claim, guardian.username, PASSWORD, **guardian.names() | {"email": email})
    await portal.activate(await portal.activation_token(email), PASSWORD)
    await portal.sign_in(email, PASSWORD)
    assert (await portal.get("/dossier/v1/dossiers/mine"))["number"] == guardian.number
