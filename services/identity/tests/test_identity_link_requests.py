"""Who cannot prove their dossier asks an agent, who decides."""

import asyncio
from typing import Any

import pytest
from chassis.identifiers import named_id, new_id
from contracts.dossier import DossierChanged
from identity.worker import forget_what_is_over

from services.identity.tests.portal import Portal, body, moreau, notice, pointers

ASKED = {"last_name": "Moreau", "first_name": "Claire", "email": "claire@new.example.org", "dossier_number": "100 042"}
CLAIRE = str(named_id("adult", "100042", "1"))
ACCEPTED = {"decision": "accepted", "guardian_id": CLAIRE, "reason": "Carte d'identité vue au guichet"}
REFUSED = {"decision": "refused", "reason": "Ce dossier n'est pas à votre nom"}


@pytest.fixture
async def agent(portal: Portal) -> str:
    return str((await portal.sign_in_staff())[1]["access_token"])


async def requested(portal: Portal, agent: str, **changes: str) -> dict[str, Any]:
    """The newest request, as an agent sees it."""
    assert await portal.post("/link-requests", **ASKED | changes) == (202, {})
    found: dict[str, Any] = (await portal.get("/link-requests", agent))[1]["items"][-1]
    return found


def martin() -> DossierChanged:
    """The dossier of a guardian who has an account."""
    sophie = moreau().adults[0].model_copy(update={"adult_id": named_id("adult", "100001", "1")})
    return moreau(number="100001", dossier_id=named_id("dossier", "100001"), adults=(sophie,))


async def decide(portal: Portal, agent: str, request: dict[str, Any], **decision: str) -> tuple[int, dict[str, Any]]:
    return await portal.send("POST", f"/link-requests/{request['id']}/decision", bearer=agent, **decision)


async def test_a_link_request_is_kept_for_an_agent(portal: Portal, agent: str) -> None:
    family = (await portal.sign_in("martin", "Bienvenue!2026"))[1]["access_token"]
    asked = {"last_name": "Moreau", "first_name": "Claire", "email": "claire@new.example.org"}
    assert await portal.post("/link-requests", **asked, dossier_number="100042") == (202, {})
    assert await portal.post("/link-requests", **asked) == (202, {})
    # The same one again waits once.
    assert await portal.post("/link-requests", **asked) == (202, {})
    status, page = await portal.get("/link-requests?limit=1", agent)
    assert (status, len(page["items"]), page["items"][0]["dossier_number"]) == (200, 1, "100042")
    _, rest = await portal.get(f"/link-requests?cursor={page['next_cursor']}", agent)
    assert ([item["dossier_number"] for item in rest["items"]], rest["next_cursor"]) == ([None], None)
    assert (await portal.get("/link-requests", family))[0] == 403


async def test_the_agent_sees_the_guardians_of_the_dossier_that_is_named(portal: Portal, agent: str) -> None:
    known = {"first_name": "Claire", "last_name": "Moreau", "email": "claire.moreau@example.org"}
    claire = known | {"guardian_id": CLAIRE, "has_account": False}
    first = await requested(portal, agent)
    assert first["candidates"] == [claire]
    assert await portal.get(f"/link-requests/{first['id']}", agent) == (200, first)
    assert (await portal.get(f"/link-requests/{new_id()}", agent))[0] == 404
    await portal.hear(martin())
    (sophie,) = (await requested(portal, agent, dossier_number="100001"))["candidates"]
    assert sophie["has_account"]
    for nothing in ("999999", " "):
        assert (await requested(portal, agent, dossier_number=nothing + "0"))["candidates"] == []


async def test_an_accepted_request_mails_a_claim_to_the_address_asked_for(portal: Portal, agent: str) -> None:
    request = await requested(portal, agent)
    status, decided = await decide(portal, agent, request, **ACCEPTED)
    assert (status, decided["status"], decided["guardian_id"]) == (200, "accepted", CLAIRE)
    assert (decided["reason"], decided["decided_by"]) == (ACCEPTED["reason"], str(named_id("account", "agent")))
    # The desk's log outlives the request, and does without its words.
    assert await portal.scalars("SELECT coalesce(reason, dossier_id::text) FROM desk_log") == [
        str(named_id("dossier", "100042"))
    ]
    told, mail = sorted(await portal.mails(), key=lambda one: one["To"])
    assert (mail["To"], mail["Subject"]) == (ASKED["email"], "Votre demande de rattachement est acceptée")
    # The address that the dossier has is told, in case somebody else asked.
    assert told["To"] == "claire.moreau@example.org"
    assert "token=" not in body(told, "plain")

    portal.mailbox.mails.sort(key=lambda one: one["To"])
    secret = await portal.link("inscrivez-vous")
    portal.later(hours=71)
    assert (await portal.register(secret, email="claire.moreau@example.org"))[0] == 422
    assert (await portal.register(secret, email=ASKED["email"]))[0] == 202
    assert (await portal.mails())[-1]["To"] == ASKED["email"]
    assert (await portal.activate(await portal.link()))[0] == 204
    _, tokens = await portal.sign_in(ASKED["email"])
    _, me = await portal.get("/me", tokens["access_token"])
    assert (me["guardian_id"], me["email"]) == (CLAIRE, ASKED["email"])
    assert (await portal.register(secret, email=ASKED["email"], username="other"))[0] == 410


async def test_the_claim_of_an_accepted_request_is_over_after_72_hours(portal: Portal, agent: str) -> None:
    await decide(portal, agent, await requested(portal, agent, email="claire.moreau@example.org"), **ACCEPTED)
    (_,) = await portal.mails()  # the address is the dossier's own: nobody else is to be told
    secret = await portal.link("inscrivez-vous")
    portal.later(hours=72, seconds=1)
    assert (await portal.register(secret))[0] == 410


async def test_a_refusal_tells_the_family_why_and_no_word_of_who_asked(portal: Portal, agent: str) -> None:
    spam = {"first_name": "Gagnez un lot", "last_name": "Appelez le 0899"}
    status, decided = await decide(portal, agent, await requested(portal, agent, **spam), **REFUSED)
    assert (status, decided["status"], decided["guardian_id"]) == (200, "refused", None)
    (mail,) = await portal.mails()
    assert mail["To"] == ASKED["email"]
    text = body(mail, "plain") + body(mail, "html")
    assert REFUSED["reason"] in body(mail, "plain")
    assert not any(word in text for word in ("Gagnez", "0899"))
    assert await portal.scalars("SELECT count(*) FROM claims") == [0]
    # The same may be asked anew.
    again = await requested(portal, agent, **spam)
    assert (again["status"], again["id"] != decided["id"]) == ("waiting", True)


async def test_the_second_guardian_of_a_dossier_has_an_account_of_their_own(portal: Portal, agent: str) -> None:
    """Whose email the town never knew: the desk attaches them to the dossier in which the first has an account."""
    await portal.register()
    await portal.activate(await portal.link())
    paul = (
        moreau()
        .adults[0]
        .model_copy(update={"adult_id": named_id("adult", "100042", "2"), "first_name": "Paul", "email": None})
    )
    await portal.hear(moreau(2, adults=(moreau().adults[0], paul)))
    asked = {"first_name": "Paul", "email": "paul@example.org"}
    request = await requested(portal, agent, **asked)
    assert [one["has_account"] for one in request["candidates"]] == [True, False]
    second = ACCEPTED | {"guardian_id": str(paul.adult_id)}
    assert (await decide(portal, agent, request, **second))[0] == 200
    claim = await portal.link("inscrivez-vous")
    assert (await portal.register(claim, username="pmoreau", **asked))[0] == 202
    assert (await portal.activate(await portal.link()))[0] == 204
    seen = [
        (await portal.get("/me", (await portal.sign_in(login))[1]["access_token"]))[1]
        for login in ("cmoreau", "pmoreau")
    ]
    assert len({one["dossier_id"] for one in seen}) == 1
    assert [one["guardian_id"] for one in seen] == [CLAIRE, str(paul.adult_id)]
    before = len(await portal.mails())
    await portal.hear(notice(dossier_id=named_id("dossier", "100042")))
    told = sorted(str(mail["To"]) for mail in (await portal.mails())[before:])
    assert told == ["claire.moreau@example.org", "paul@example.org"]


@pytest.mark.parametrize(("first", "other"), [(ACCEPTED, REFUSED), (REFUSED, ACCEPTED)], ids=["accepted", "refused"])
async def test_a_decision_made_twice_has_one_effect_and_another_one_is_refused(
    portal: Portal, agent: str, first: dict[str, str], other: dict[str, str]
) -> None:
    request = await requested(portal, agent)
    _, decided = await decide(portal, agent, request, **first)
    mails = len(await portal.mails())
    portal.later(minutes=1)
    assert await decide(portal, agent, request, **first) == (200, decided)
    for changed in (other, first | {"reason": "Une autre raison"}):
        status, problem = await decide(portal, agent, request, **changed)
        assert (status, problem["type"]) == (409, "urn:problem:identity:request-decided")
    assert len(await portal.mails()) == mails
    assert (await portal.get("/link-requests", agent))[1]["items"] == []
    (shown,) = (await portal.get(f"/link-requests?status={decided['status']}", agent))[1]["items"]
    assert decided.items() <= shown.items()


async def test_of_two_agents_who_decide_at_once_one_is_heard(portal: Portal, agent: str) -> None:
    administrator = (await portal.sign_in_staff("admin"))[1]["access_token"]
    request = await requested(portal, agent)
    decisions = [(agent, ACCEPTED), (administrator, REFUSED)] * 3
    answers = await asyncio.gather(*(decide(portal, who, request, **what) for who, what in decisions))
    (winner,) = {decided["status"] for status, decided in answers if status == 200}
    assert [status for status, _ in answers] == [200 if what["decision"] == winner else 409 for _, what in decisions]
    assert len(await portal.mails()) == (2 if winner == "accepted" else 1)
    assert await portal.scalars("SELECT count(*) FROM claims") == [1 if winner == "accepted" else 0]


async def test_nobody_is_attached_who_is_no_guardian_any_more_or_has_an_account(portal: Portal, agent: str) -> None:
    request = await requested(portal, agent)
    unknown = ACCEPTED | {"guardian_id": str(new_id())}
    status, problem = await decide(portal, agent, request, **unknown)
    assert (status, pointers(problem)) == (422, ["/guardian_id"])
    await portal.hear(moreau(2, adults=()))
    assert (await decide(portal, agent, request, **ACCEPTED))[0] == 422
    await portal.hear(martin())
    taken = ACCEPTED | {"guardian_id": str(named_id("adult", "100001", "1"))}
    status, problem = await decide(portal, agent, request, **taken)
    assert (status, problem["type"]) == (409, "urn:problem:identity:already-registered")
    assert await portal.mails() == []
    await portal.hear(moreau(3))
    assert (await decide(portal, agent, request, **ACCEPTED))[0] == 200


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"decision": "perhaps"}, "/decision"),
        ({"guardian_id": None}, "/guardian_id"),
        ({"decision": "refused"}, "/guardian_id"),
        ({"reason": ""}, "/reason"),
        ({"reason": "a\nb"}, "/reason"),
        ({"dossier_id": CLAIRE}, "/dossier_id"),
    ],
)
async def test_a_decision_says_for_whom_and_why(
    portal: Portal, agent: str, wrong: dict[str, Any], pointer: str
) -> None:
    request = await requested(portal, agent)
    status, problem = await decide(portal, agent, request, **ACCEPTED | wrong)
    assert (status, pointers(problem)) == (422, [pointer])


async def test_the_desk_alone_decides(portal: Portal, agent: str) -> None:
    request = await requested(portal, agent)
    family = (await portal.sign_in("martin", "Bienvenue!2026"))[1]["access_token"]
    cashier = (await portal.sign_in_staff("regie"))[1]["access_token"]
    for token in (family, cashier):
        assert (await decide(portal, token, request, **ACCEPTED))[0] == 403
    assert (await decide(portal, agent, {"id": new_id()}, **ACCEPTED))[0] == 404
    assert (await decide(portal, agent, request, **ACCEPTED))[0] == 200


async def test_a_decided_request_is_forgotten_after_a_year_and_one_that_waits_is_not(
    portal: Portal, agent: str
) -> None:
    await decide(portal, agent, await requested(portal, agent), **REFUSED)
    await requested(portal, agent)
    for days, left in ((364, ["refused", "waiting"]), (366, ["waiting"])):
        portal.later(days=days)
        await forget_what_is_over(portal.database, portal.settings)
        assert await portal.scalars("SELECT status FROM link_requests ORDER BY status") == left


async def test_only_so_many_link_requests_wait(portal: Portal, agent: str) -> None:
    portal.settings.link_requests_waiting = 3
    await decide(portal, agent, await requested(portal, agent), **REFUSED)  # waits no more
    asked = {"last_name": "Moreau", "first_name": "Claire", "dossier_number": "100042"}
    answers = await asyncio.gather(
        *(portal.post("/link-requests", f"192.0.2.{n}", **asked, email=f"claire{n}@example.org") for n in range(8))
    )
    assert sorted(status for status, _ in answers) == [202] * 3 + [429] * 5
    assert await portal.scalars("SELECT count(*) FROM link_requests WHERE status = 'waiting'") == [3]
