"""A document from a form to the desk and back, and a health record, by pages without scripts on a whole stack."""

from deploy.local.portal import Portal
from deploy.local.stack import Stack
from tests.actors import Family
from tests.pages.test_pages_moments import signed_in
from tests.security.examples import PHOTO

DOCUMENTS = "/dossier/documents"


async def test_a_family_hands_in_a_document_and_writes_a_health_record(
    stack: Stack, family: Family, agent: Portal
) -> None:
    async with signed_in(stack, family) as browser:
        page = await browser.get(DOCUMENTS)
        refused = await browser.upload(page, DOCUMENTS, ("fichier", b"PK zip"), kind="domicile", child_id="")
        assert ["ni un PDF" in error for error in refused.errors] == [True]
        sent = await browser.upload(page, DOCUMENTS, ("fichier", PHOTO), kind="domicile", child_id="")
        assert sent.path == f"{DOCUMENTS}?envoye", sent.text
        (document,) = (await family.portal.get(f"/dossier/v1/dossiers/{family.dossier_id}/documents"))["items"]
        await agent.post(f"/dossier/v1/documents/{document['id']}/decision", {"decision": "accepted"})
        assert "Accepté" in (await browser.get(DOCUMENTS)).text

        health = f"/dossier/enfants/{family.guardian.children[0]}/sante"
        form = (await browser.get(health)).form(health)
        kept = await browser.post(health, form | {"allergies": "Arachide.", "pai-instructions": ""})
        assert kept.path == "/dossier?modifie", kept.text
        assert "Arachide." in (await browser.get(health)).source
        assert "Vous" in (await browser.get(f"{health}/lectures")).text
