"""A family new in town asks for a dossier; an agent makes it, or says why not."""

import asyncio
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id

from services.identity.tests.portal import Portal, body, moreau, pointers

PATH = "/dossier-requests"
ADDRESS = {"street": "3 rue des Lilas", "postcode": "94990", "city": "Villeneuve-sur-Bièvre"}
TOM = {"first_name": "Tom", "last_name": "O'Neill", "birth_date": "2019-05-02"}
ASKED: dict[str, Any] = {
    "first_name": "Anne-Lise",
    "last_name": "O'Neill",
    "email": "Anne.Oneill@example.org",
    "phone": "06 12 34 56 78",
    "address": ADDRESS,
    "children": [TOM],
    "message": "Nous emménageons le 1er décembre.\nMerci.",
}
DOSSIER = named_id("dossier", "100077")
ADULT = named_id("adult", "100077", "1")


@pytest.fixture
async def agent(portal: Portal) -> str:
    return str((await portal.sign_in_staff())[1]["access_token"])


async def ask(portal: Portal, source: str = "203.0.113.7", **changed: Any) -> tuple[int, dict[str, Any]]:
    headers = {"X-Forwarded-For": source}
    async with portal.client.post(f"/v1{PATH}", json=ASKED | changed, headers=headers) as answer:
        return answer.status, (await answer.json(content_type=None) if await answer.read() else {})


async def waiting(portal: Portal, agent: str) -> list[dict[str, Any]]:
    return list((await portal.get(f"{PATH}?status=waiting", agent))[1]["items"])


async def make_dossier(portal: Portal, first_name: str = "Anne-Lise") -> None:
    """As the agent does it in the service dossier."""
    names = {"first_name": first_name, "last_name": "O'Neill", "email": ASKED["email"]}
    adult = moreau().adults[0].model_copy(update={"adult_id": ADULT} | names)
    await portal.hear(moreau(dossier_id=DOSSIER, number="100077", adults=(adult,)))


async def decide(portal: Portal, agent: str, request_id: str, **decision: Any) -> tuple[int, dict[str, Any]]:
    return await portal.send("POST", f"{PATH}/{request_id}/decision", bearer=agent, reason="Vérifié.", **decision)


async def test_a_family_asks_is_given_its_dossier_and_opens_its_account(portal: Portal, agent: str) -> None:
    assert (await ask(portal))[0] == 202
    assert (await ask(portal))[0] == 202
    (request,) = await waiting(portal, agent)
    said = {name: request[name] for name in ASKED}
    assert said == ASKED | {"phone": "0612345678"}
    early = await decide(portal, agent, request["id"], decision="accepted", dossier_id=str(DOSSIER))
    assert (early[0], pointers(early[1])) == (422, ["/dossier_id"]), "not heard of yet"
    await make_dossier(portal)
    accepted = {"decision": "accepted", "dossier_id": str(DOSSIER)}
    status, decided = await decide(portal, agent, request["id"], **accepted)
    assert (status, decided["status"], decided["dossier_id"]) == (200, "accepted", str(DOSSIER))
    assert await decide(portal, agent, request["id"], **accepted) == (200, decided)
    (mail,) = await portal.mails()
    assert mail["To"] == ASKED["email"]
    assert "son numéro est 100077" in body(mail, "plain")
    claim = await portal.link("inscrivez-vous")
    assert (await portal.register(claim, email=ASKED["email"]))[0] == 202
    await portal.activate(await portal.link())
    assert await portal.scalars("SELECT guardian_id FROM accounts WHERE username = 'cmoreau'") == [ADULT]
    assert await waiting(portal, agent) == []


async def test_a_refusal_tells_its_reason_and_is_final(portal: Portal, agent: str) -> None:
    await ask(portal)
    (request,) = await waiting(portal, agent)
    assert await portal.get(f"/dossier-requests/{request['id']}", agent) == (200, request)
    both = await asyncio.gather(*(decide(portal, agent, request["id"], decision="refused") for _ in range(2)))
    assert [status for status, _ in both] == [200, 200]
    (mail,) = await portal.mails()
    assert "Vérifié." in body(mail, "plain")
    assert "O'Neill" not in body(mail, "plain"), "the address may be anybody's"
    await make_dossier(portal)
    other = await decide(portal, agent, request["id"], decision="accepted", dossier_id=str(DOSSIER))
    assert other[0] == 409
    assert (await ask(portal))[0] == 202, "asked again it waits again"
    assert len(await waiting(portal, agent)) == 1
    assert (await decide(portal, agent, str(new_id()), decision="refused"))[0] == 404


async def test_who_has_asked_is_named_where_the_dossier_spells_them_otherwise(portal: Portal, agent: str) -> None:
    await ask(portal)
    (request,) = await waiting(portal, agent)
    await make_dossier(portal, first_name="Anne")
    accepted = {"decision": "accepted", "dossier_id": str(DOSSIER)}
    status, problem = await decide(portal, agent, request["id"], **accepted)
    assert (status, pointers(problem)) == (422, ["/guardian_id"])
    assert (await decide(portal, agent, request["id"], **accepted, guardian_id=str(ADULT)))[0] == 200


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"children": []}, "/children"),
        ({"children": [TOM] * 11}, "/children"),
        ({"children": [TOM | {"birth_date": "2999-01-01"}]}, "/children/0/birth_date"),
        ({"children": [TOM | {"birth_date": "0019-05-02"}]}, "/children/0/birth_date"),
        ({"children": [TOM, TOM | {"birth_date": "02/05/2019"}]}, "/children/1/birth_date"),
        ({"children": [TOM | {"first_name": "'"}]}, "/children/0/first_name"),
        ({"address": ADDRESS | {"postcode": "9499O"}}, "/address/postcode"),
        ({"email": "anne"}, "/email"),
        ({"phone": "12"}, "/phone"),
        ({"message": "a\0b"}, "/message"),
        ({"message": "x" * 1001}, "/message"),
        ({"last_name": "x" * 101}, "/last_name"),
        ({"status": "accepted"}, "/status"),
        ({"dossier_id": str(DOSSIER)}, "/dossier_id"),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(portal: Portal, changed: dict[str, Any], pointer: str) -> None:
    status, problem = await ask(portal, **changed)
    assert (status, pointers(problem)) == (422, [pointer])


async def test_requests_are_slowed_by_address_and_bounded_in_all(portal: Portal) -> None:
    portal.settings.dossier_request_limit, portal.settings.dossier_requests_waiting = 3, 2
    answers = [(await ask(portal, first_name=name))[0] for name in ("Ana", "Bea", "Cléo", "Dua")]
    assert answers == [202, 202, 429, 429]
    assert (await ask(portal, "203.0.113.9"))[1]["type"].endswith(":requests-waiting")
    assert await portal.scalars("SELECT count(*) FROM dossier_requests") == [2]
