"""The staff's accounts: opened, changed and closed by an administrator, taken by a link and a first code."""

import asyncio
from typing import Any

import pytest
from chassis import clock
from chassis.identifiers import named_id, new_id
from contracts.billing import RegieChanged
from contracts.enrolment import SiteChanged
from identity.second_factor import RECOVERY_CODES, STEP_S, totp
from identity.worker import forget_what_is_over

from services.identity.tests.portal import AGENT, MARTIN, PASSWORD, Portal, body, pointers
from tests.builders import sample

LUC = {
    "username": "luc.petit",
    "first_name": "Luc",
    "last_name": "Petit",
    "email": "luc.petit@example.org",
    "role": "agent",
}
GONE = (410, "urn:problem:identity:invitation-gone")
SITE = sample(SiteChanged).site_id
REGIE = sample(RegieChanged).code
ANIMATOR = LUC | {"username": "anim", "role": "site_staff", "site_ids": [str(SITE)], "pin": "4711"}


@pytest.fixture
async def admin(portal: Portal) -> str:
    await portal.hear(sample(SiteChanged))
    await portal.hear(sample(RegieChanged))
    return str((await portal.sign_in_staff("admin"))[1]["access_token"])


async def opened(portal: Portal, admin: str, **changes: Any) -> dict[str, Any]:
    status, account = await portal.send("POST", "/accounts", bearer=admin, **LUC | changes)
    assert status == 201, account
    return account


async def change(
    portal: Portal, admin: str, account: dict[str, Any], version: int | None = None, **changes: Any
) -> tuple[int, dict[str, Any]]:
    """By who has seen it as it is, unless told which version they have."""
    headers = {"Authorization": f"Bearer {admin}", "If-Match": f'"{version or account["version"]}"'}
    async with portal.client.patch(f"/v1/accounts/{account['id']}", json=changes, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def invited(portal: Portal) -> tuple[str, dict[str, Any]]:
    """The newest link mailed, and what its page shows."""
    token = await portal.link("agent/activation")
    async with portal.client.get(f"/v1/staff-invitations/{token}") as answer:
        assert answer.status == 200
        return token, await answer.json()


def code(shown: dict[str, Any], steps: int = 0) -> str:
    return totp(shown["secret"], int(clock.now().timestamp()) // STEP_S + steps)


async def take(portal: Portal, token: str, otp: str, password: str = PASSWORD) -> tuple[int, Any]:
    """Status, and the recovery codes, the fields refused or the problem's type."""
    status, answer = await portal.put(f"/staff-invitations/{token}", new_password=password, otp=otp)
    return status, answer.get("recovery_codes") or (pointers(answer) if status == 422 else answer["type"])


async def test_an_administrator_opens_an_account_which_its_owner_takes_by_the_link(portal: Portal, admin: str) -> None:
    account = await opened(portal, admin)
    assert (account["status"], account["has_second_factor"], account["version"]) == ("pending", False, 1)
    (mail,) = await portal.mails()
    assert mail["To"] == LUC["email"]
    assert "luc.petit" in body(mail, "plain")
    assert (await portal.sign_in("luc.petit", PASSWORD))[0] == 401

    token, shown = await invited(portal)
    assert (shown["username"], shown["uri"].count(shown["secret"])) == ("luc.petit", 1)
    assert await take(portal, token, "000000") == (422, ["/otp"])
    assert await take(portal, token, code(shown), "Ab!") == (422, ["/new_password"])
    status, codes = await take(portal, token, code(shown))
    assert (status, len(codes)) == (200, RECOVERY_CODES)
    assert await take(portal, token, code(shown, 1)) == GONE
    status, problem = await portal.sign_in("luc.petit", PASSWORD)
    assert (status, problem["type"]) == (401, "urn:problem:identity:second-factor-required")
    status, tokens = await portal.sign_in("luc.petit", PASSWORD, otp=codes[0])
    assert status == 201
    _, me = await portal.get("/me", tokens["access_token"])
    assert (me["role"], me["has_second_factor"]) == ("agent", True)
    assert (await portal.get("/link-requests", tokens["access_token"]))[0] == 200
    assert (await portal.get("/accounts", tokens["access_token"]))[0] == 403


async def test_site_staff_are_given_a_pin_for_the_tablets_of_their_sites(portal: Portal, admin: str) -> None:
    account = await opened(portal, admin, **ANIMATOR)
    assert (account["status"], account["site_ids"]) == ("active", [str(SITE)])
    assert "pin" not in str(account)
    await portal.execute(f"UPDATE devices SET site_id = '{SITE}'")
    status, tokens = await portal.sign_in_on_tablet("4711", login="anim")
    assert status == 201
    assert (await change(portal, admin, account, pin="4712"))[0] == 200
    assert (await portal.refresh(tokens["refresh_token"]))[0] == 401
    assert [(await portal.sign_in_on_tablet(pin, login="anim"))[0] for pin in ("4711", "4712")] == [401, 201]
    status, problem = await portal.send("POST", f"/accounts/{account['id']}/invitation", bearer=admin)
    assert (status, problem["type"]) == (409, "urn:problem:identity:not-invited")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"role": "guardian"}, "/role"),
        ({"role": "integrator"}, "/role"),
        ({"username": "Martin"}, "/username"),
        ({"email": "luc"}, "/email"),
        ({"regies": ["inconnue"]}, "/regies"),
        ({"role": "administrator", "regies": [REGIE]}, "/regies"),
        ({"site_ids": [str(SITE)]}, "/site_ids"),
        ({"pin": "4711"}, "/pin"),
        ({"password": PASSWORD}, "/password"),
        (ANIMATOR | {"pin": None}, "/pin"),
        (ANIMATOR | {"pin": "12"}, "/pin"),
        (ANIMATOR | {"pin": "abcd"}, "/pin"),
        (ANIMATOR | {"site_ids": []}, "/site_ids"),
        (ANIMATOR | {"site_ids": ["019b76da-a800-7a32-8b2d-195a692f8000"]}, "/site_ids"),
    ],
    ids=str,
)
async def test_an_account_has_what_goes_with_its_role(
    portal: Portal, admin: str, wrong: dict[str, Any], pointer: str
) -> None:
    status, problem = await portal.send("POST", "/accounts", bearer=admin, **LUC | wrong)
    assert (status, pointers(problem)) == (422, [pointer])
    assert await portal.mails() == []
    await opened(portal, admin, role="cashier", regies=[REGIE])


async def test_a_username_asked_for_twice_at_once_is_given_once(portal: Portal, admin: str) -> None:
    answers = await asyncio.gather(*(portal.send("POST", "/accounts", bearer=admin, **LUC) for _ in range(4)))
    assert sorted(status for status, _ in answers) == [201, 422, 422, 422]
    assert len(await portal.mails()) == 1


async def test_a_link_is_over_after_72_hours_and_another_may_be_sent(portal: Portal, admin: str) -> None:
    account = await opened(portal, admin)
    token, shown = await invited(portal)
    assert (await portal.send("POST", f"/accounts/{account['id']}/invitation", bearer=admin))[0] == 202
    assert await take(portal, token, code(shown)) == GONE  # the newest alone
    token, shown = await invited(portal)
    portal.later(hours=71)
    await forget_what_is_over(portal.database, portal.settings)
    assert (await portal.put(f"/staff-invitations/{token}", new_password="Ab!", otp="000000"))[0] == 422
    portal.later(hours=72, seconds=1)
    assert await take(portal, token, code(shown)) == GONE
    await forget_what_is_over(portal.database, portal.settings)
    assert await portal.scalars("SELECT count(*) FROM accounts WHERE username = 'luc.petit'") == [0]
    left = "SELECT (SELECT count(*) FROM activation_links) + (SELECT count(*) FROM totp_enrolments)"
    assert await portal.scalars(left) == [0]


async def test_of_many_who_follow_one_link_at_once_one_takes_the_account(portal: Portal, admin: str) -> None:
    await opened(portal, admin)
    token, shown = await invited(portal)
    otp = code(shown)
    answers = await asyncio.gather(*(take(portal, token, otp, f"Papillon!{n}4") for n in range(4)))
    assert sorted(status for status, _ in answers) == [200, 410, 410, 410]
    assert await portal.scalars("SELECT count(*) FROM recovery_codes") == [RECOVERY_CODES]


async def test_the_links_of_staff_and_of_guardians_open_only_their_own(portal: Portal, admin: str) -> None:
    await opened(portal, admin)
    staff, shown = await invited(portal)
    assert (await portal.post("/activations", token=staff, new_password=PASSWORD))[0] == 410
    await portal.register()
    guardian = await portal.link()
    assert await take(portal, guardian, code(shown)) == GONE
    before = len(await portal.mails())
    assert (await portal.post("/registrations/resend", email=LUC["email"]))[0] == 202
    assert (await portal.post("/password-resets", email=LUC["email"]))[0] == 202
    assert len(await portal.mails()) == before
    assert (await portal.activate(guardian))[0] == 204
    assert (await take(portal, staff, code(shown)))[0] == 200


async def test_who_lost_their_second_factor_is_invited_again(portal: Portal, admin: str) -> None:
    _, agent = await portal.sign_in_staff()
    account_id = named_id("account", "agent")
    assert (await portal.send("POST", f"/accounts/{account_id}/invitation", bearer=admin))[0] == 202
    assert (await portal.refresh(agent["refresh_token"]))[0] == 200  # nothing changes before it is followed
    token, shown = await invited(portal)
    status, codes = await take(portal, token, code(shown))
    assert status == 200
    assert (await portal.refresh(agent["refresh_token"]))[0] == 401
    assert (await portal.sign_in(AGENT["login"], PASSWORD, otp=codes[0]))[0] == 201
    assert (await portal.sign_in(**AGENT, otp=codes[1]))[0] == 401


async def test_what_an_account_may_do_changes_at_once(portal: Portal, admin: str) -> None:
    _, agent = await portal.sign_in_staff()
    account = (await portal.get(f"/accounts/{named_id('account', 'agent')}", admin))[1]
    status, changed = await change(portal, admin, account, role="cashier", regies=[REGIE], last_name="Durand")
    assert (status, changed["role"], changed["regies"]) == (200, "cashier", [REGIE])
    assert (changed["last_name"], changed["version"]) == ("Durand", account["version"] + 1)
    assert (await portal.refresh(agent["refresh_token"]))[0] == 401
    assert (await portal.get("/link-requests", agent["access_token"]))[0] == 401
    assert (await change(portal, admin, account, last_name="Dupont"))[0] == 412
    assert (await change(portal, admin, changed, role="administrator"))[0] == 422  # with its régies
    assert (await change(portal, admin, changed, role="site_staff"))[0] == 422
    await portal.hear(sample(SiteChanged))
    assert (await change(portal, admin, changed, site_ids=[str(SITE)]))[0] == 422


async def test_another_email_is_told_to_the_former_one_and_ends_the_links_mailed_there(
    portal: Portal, admin: str
) -> None:
    account = (await portal.get(f"/accounts/{named_id('account', 'agent')}", admin))[1]
    await portal.post("/password-resets", email=account["email"])
    reset = await portal.link("mot-de-passe")
    assert (await change(portal, admin, account, email="luc@example.org"))[0] == 200
    mail = (await portal.mails())[-1]
    assert (mail["To"], mail["Subject"]) == (account["email"], "L'adresse de votre compte a changé")
    assert (await portal.put(f"/password-resets/{reset}", new_password=PASSWORD))[0] == 410


async def test_a_closed_account_opens_nothing_and_stays_closed(portal: Portal, admin: str) -> None:
    _, agent = await portal.sign_in_staff()
    account = (await portal.get(f"/accounts/{named_id('account', 'agent')}", admin))[1]
    status, closed = await change(portal, admin, account, status="closed")
    assert (status, closed["status"]) == (200, "closed")
    assert (await portal.refresh(agent["refresh_token"]))[0] == 401
    portal.later(seconds=STEP_S)
    assert (await portal.sign_in_staff())[0] == 401
    status, problem = await change(portal, admin, closed, last_name="Durand")
    assert (status, problem["type"]) == (409, "urn:problem:identity:account-closed")
    assert (await portal.send("POST", f"/accounts/{account['id']}/invitation", bearer=admin))[0] == 409
    kept = "SELECT concat(password_hash, totp_secret, pin_hash, username) FROM accounts WHERE status = 'closed'"
    assert await portal.scalars(kept) == ["agent"]
    listed = (await portal.get("/accounts?status=closed", admin))[1]["items"]
    assert [one["id"] for one in listed] == [account["id"]]


async def test_an_account_that_waits_may_be_closed(portal: Portal, admin: str) -> None:
    account = await opened(portal, admin)
    token, shown = await invited(portal)
    assert (await change(portal, admin, account, status="closed"))[0] == 200
    assert await take(portal, token, code(shown)) == GONE


async def test_there_is_always_an_administrator(portal: Portal, admin: str) -> None:
    async def second() -> dict[str, Any]:
        account = await opened(portal, admin, role="administrator")
        token, shown = await invited(portal)
        assert (await take(portal, token, code(shown)))[0] == 200
        return (await portal.get(f"/accounts/{account['id']}", admin))[1]

    own = (await portal.get(f"/accounts/{named_id('account', 'admin')}", admin))[1]
    for column, value in (("status", "closed"), ("role", "agent")):
        status, problem = await change(portal, admin, own, None, **{column: value})
        assert (status, problem["type"]) == (409, "urn:problem:identity:last-administrator")
    other = await second()
    answers = await asyncio.gather(
        change(portal, admin, own, status="closed"), change(portal, admin, other, role="agent")
    )
    assert sorted(status for status, _ in answers) in ([200, 409], [200, 401])
    active = "SELECT count(*) FROM accounts WHERE role = 'administrator' AND status = 'active'"
    assert await portal.scalars(active) == [1]


async def test_the_list_is_of_the_staff_and_for_administrators(portal: Portal, admin: str) -> None:
    listed = (await portal.get("/accounts?limit=3", admin))[1]
    rest = (await portal.get(f"/accounts?cursor={listed['next_cursor']}", admin))[1]
    usernames = {one["username"] for one in listed["items"] + rest["items"]}
    assert usernames == {"agent", "regie", "admin", "animateur"}
    cashiers = (await portal.get("/accounts?role=cashier", admin))[1]["items"]
    assert [one["username"] for one in cashiers] == ["regie"]
    martin = named_id("account", "martin")
    for path in (f"/accounts/{martin}", f"/accounts/{new_id()}"):
        assert (await portal.get(path, admin))[0] == 404
    assert (await portal.send("POST", f"/accounts/{martin}/invitation", bearer=admin))[0] == 404
    assert (await change(portal, admin, {"id": martin, "version": 1}, last_name="X"))[0] == 404
    for tokens in ((await portal.sign_in(**MARTIN))[1], (await portal.sign_in_staff())[1]):
        assert (await portal.get("/accounts", tokens["access_token"]))[0] == 403
        assert (await portal.send("POST", "/accounts", bearer=tokens["access_token"], **LUC))[0] == 403
