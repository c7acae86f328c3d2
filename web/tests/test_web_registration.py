"""« Inscrivez-vous » and the mails' links before a gateway that says no, and with whatever may be typed."""

from typing import Any

import pytest
from web.pages.registration import CHECK, CODE, DOSSIER, NAME, PRIVACY, READINGS, START, TERMS

from tests.browsers import Browser, Page
from tests.gateways import Gateway
from tests.screens import Screen

WHO = {
    "last_name": "Moreau",
    "first_name": "Claire",
    "email": "claire@example.org",
    "username": "claire",
    "password": "Ah!2026x",
}
LEGAL = {"version": "2026-09", "title": "Un texte", "text": "Un.\n\nDeux."}
NASTY = [
    "",
    " ",
    "😀" * 90,
    "é" * 10_000,
    "<script>alert(1)</script>",
    "\u202egnissim",
    "a\x00b",
    "' OR 1=1 --",
    "{{ 7*7 }}",
]


@pytest.fixture(autouse=True)
def _agreeing(gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/registrations/check", (204, None))
    gateway.say(
        "POST", "/identity/v1/claims", (201, {"dossier_claim": "a-claim", "expires_at": "2026-11-25T10:00:00Z"})
    )
    for kind in ("terms", "privacy"):
        gateway.say("GET", f"/identity/v1/legal/{kind}", (200, LEGAL))
    gateway.say("POST", "/identity/v1/registrations", (202, None))
    gateway.say("POST", "/identity/v1/registrations/resend", (202, None))


async def fill(browser: Browser, until: str = CHECK) -> Page:
    """Each step filled in, up to that one's page."""
    page = await browser.get(START)
    typed: dict[str, dict[str, Any]] = {START: WHO, DOSSIER: {"dossier_number": "100042"}} | {
        one.path: {"accepted": "oui"} for one in READINGS
    }
    for path, values in typed.items():
        if page.path == until:
            break
        page = await browser.submit(page, path, **values)
    assert page.path == until
    return page


async def test_what_is_registered_is_what_the_steps_were_given(browser: Browser, gateway: Gateway) -> None:
    page = await fill(browser)
    assert WHO["password"] not in page.source
    page = await browser.submit(page, CHECK)
    assert page.heading == "Un lien vous a été envoyé, valable 72 heures"
    [sent] = gateway.heard("POST", "/identity/v1/registrations")
    assert sent.body == WHO | {"dossier_claim": "a-claim", "terms_version": "2026-09", "privacy_version": "2026-09"}
    assert "claire@example.org" in page.text


async def test_the_code_of_a_letter_stands_for_the_dossier(browser: Browser, gateway: Gateway) -> None:
    step = await fill(browser, DOSSIER)
    page = await browser.get(step.links()["J'ai un code d'invitation"])
    by_code = ("POST", "/identity/v1/claims/by-code")
    page = await browser.submit(page, CODE, code="ABCD-EFGH-JKMN", email="other@example.org")
    assert page.status == 422
    assert not gateway.heard(*by_code), "an email that was mistyped once would get the link"
    gateway.refuse(*by_code, 404, "Ce code n'est pas reconnu.")
    page = await browser.submit(page, CODE, code="ABCD-EFGH-JKMN", email=WHO["email"])
    assert page.errors == ["Ce code n'est pas reconnu."]
    gateway.say(*by_code, (201, {"dossier_claim": "ABCDEFGHJKMN", "expires_at": "2027-01-25T10:00:00Z"}))
    page = await browser.submit(page, CODE, code="ABCD-EFGH-JKMN", email=WHO["email"].upper())
    for one in READINGS:
        page = await browser.submit(page, one.path, accepted="oui")
    await browser.submit(page, CHECK)
    [sent] = gateway.heard("POST", "/identity/v1/registrations")
    assert (sent.body["dossier_claim"], sent.body["email"]) == ("ABCDEFGHJKMN", WHO["email"])


async def test_the_page_of_the_code_is_looked_at(window: Screen) -> None:
    await window.open(START)
    await window.fill(**WHO)
    await window.press("Étape suivante")
    await window.press("J'ai un code d'invitation")
    await window.press("Étape suivante")
    await window.look("inscrivez-vous-2-code-erreur")


async def test_a_double_click_registers_once(browser: Browser, gateway: Gateway) -> None:
    page = await fill(browser)
    for _ in range(2):
        answer = await browser.submit(page, CHECK)
        assert answer.heading == "Un lien vous a été envoyé, valable 72 heures"
    assert len(gateway.heard("POST", "/identity/v1/registrations")) == 1


async def test_a_password_chosen_before_need_not_be_typed_again(browser: Browser) -> None:
    await fill(browser, TERMS)
    page = await browser.submit(await browser.get(START), START, password="", first_name="Clara")
    assert page.path == TERMS


@pytest.mark.parametrize(
    ("pointer", "leads"),
    [("/username", START), ("/email", DOSSIER), ("/terms_version", TERMS), ("/privacy_version", PRIVACY)],
)
async def test_what_the_last_step_is_refused_for_leads_where_it_is_put_right(
    browser: Browser, gateway: Gateway, pointer: str, leads: str
) -> None:
    errors = [{"pointer": pointer, "detail": "Voici pourquoi."}]
    gateway.refuse("POST", "/identity/v1/registrations", 422, "", errors=errors)
    page = await browser.submit(await fill(browser), CHECK)
    assert (page.status, page.errors) == (422, ["Voici pourquoi."])
    assert page.links()["Voici pourquoi."] == leads


async def test_a_proof_of_too_long_ago_is_asked_for_again_without_loss(browser: Browser, gateway: Gateway) -> None:
    gateway.refuse("POST", "/identity/v1/registrations", 410, "Elle date de trop longtemps.")
    page = await browser.submit(await fill(browser), CHECK)
    assert page.links()["Elle date de trop longtemps."] == DOSSIER
    page = await browser.get(CHECK)
    assert page.path == DOSSIER
    assert page.form(DOSSIER)["dossier_number"] == ["100042"]


async def test_an_accepted_request_brings_its_own_proof(browser: Browser, gateway: Gateway) -> None:
    page = await browser.get(f"{START}?token=accepted-claim")
    assert page.path == START
    page = await browser.submit(page, START, **WHO)
    for one in READINGS:
        page = await browser.submit(page, one.path, accepted="oui")
    await browser.submit(page, CHECK)
    assert gateway.heard("POST", "/identity/v1/registrations")[0].body["dossier_claim"] == "accepted-claim"
    assert not gateway.heard("POST", "/identity/v1/claims")


@pytest.mark.parametrize("cookie", ["x", "a.b.c.d.e", "é"])
async def test_a_cookie_of_yesterdays_key_begins_anew(browser: Browser, cookie: str) -> None:
    await fill(browser, TERMS)
    browser.cookies[NAME] = cookie
    assert (await browser.get(CHECK)).path == START


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("path", [START, DOSSIER, "/inscrivez-vous/lien", "/activation?token=t", "/mot-de-passe"])
async def test_whatever_is_typed_is_answered_by_a_page_in_french(
    browser: Browser, gateway: Gateway, path: str, value: str
) -> None:
    if path == DOSSIER:
        await fill(browser, DOSSIER)
    for method, where in (
        ("POST", "/identity/v1/registrations/check"),
        ("POST", "/identity/v1/claims"),
        ("POST", "/identity/v1/registrations/resend"),
        ("POST", "/identity/v1/activations"),
        ("POST", "/identity/v1/password-resets"),
    ):
        gateway.refuse(method, where, 422, errors=[{"pointer": "/email", "detail": "Indiquez une adresse."}])
    page = await browser.get(path)
    action = path.partition("?")[0]
    form = next(one for one in page.all("form") if one.get("action") == action)
    names = [one.get("name") for one in form.iter() if one.get("type") in ("text", "email", "password")]
    page = await browser.post(action, page.form_of(form) | {str(name): value for name in names})
    assert page.status in (413, 422)
    assert page.status == 413 or page.errors
    assert page.heading
    assert len(page.all("script")) == 1


@pytest.mark.parametrize("token", ["../../me", "a/b", "é", "x" * 500, "%2e%2e"])
async def test_a_link_that_is_none_of_ours_asks_for_another(browser: Browser, gateway: Gateway, token: str) -> None:
    page = await browser.get("/mot-de-passe?token=" + token.replace("%", "%25"))
    assert (page.status, page.heading) == (410, "Mot de passe oublié")
    assert not gateway.calls
    page = await browser.submit(page, "/mot-de-passe", email="", token=token, new_password="Ah!2026x")
    assert page.status == 410


async def test_another_email_is_confirmed_by_its_link_once_and_only_when_asked(
    browser: Browser, gateway: Gateway
) -> None:
    gateway.say("POST", "/identity/v1/email-confirmations", (204, None))
    page = await browser.get("/courriel?token=a-secret")
    assert not gateway.calls
    confirmed = await browser.submit(page, "/courriel")
    assert (confirmed.status, confirmed.heading) == (200, "Confirmer votre nouvelle adresse")
    assert "Adresse confirmée" in confirmed.text
    [call] = gateway.heard("POST", "/identity/v1/email-confirmations")
    assert call.body == {"token": "a-secret"}
    for status in (410, 422):
        gateway.refuse("POST", "/identity/v1/email-confirmations", status, "Ce lien a déjà servi.")
        page = await browser.submit(page, "/courriel")
        assert (page.status, page.errors) == (410, ["Ce lien a déjà servi."])
        page = await browser.get("/courriel?token=a-secret")
    assert "Confirmer cette adresse" not in (await browser.get("/courriel")).text


INVITATION = {
    "username": "luc.petit",
    "first_name": "Luc",
    "secret": "JBSWY3DPEHPK3PXP",
    "uri": "otpauth://totp/Espace%20Familles:luc.petit?secret=JBSWY3DPEHPK3PXP&issuer=Espace%20Familles",
}
CHOSEN = "Guichet!2026"
INVITED = "/identity/v1/staff-invitations/a-secret"


async def test_somebody_of_the_staff_takes_their_account_and_is_told_their_codes_once(
    browser: Browser, gateway: Gateway
) -> None:
    gateway.say("GET", INVITED, (200, INVITATION))
    codes = ["ABCD-EFGH-JKLM-NPQR", "RQPN-MLKJ-HGFE-DCBA"]
    gateway.say("PUT", INVITED, (200, {"recovery_codes": codes}))
    page = await browser.get("/agent/activation?token=a-secret")
    assert "JBSW Y3DP EHPK 3PXP" in page.text
    assert len(page.all("svg")) == 0  # in its own namespace
    assert "<svg" in page.source
    page = await browser.submit(page, "/agent/activation", new_password="", otp="")
    assert (page.status, len(page.errors)) == (422, 2)
    page = await browser.submit(page, "/agent/activation", new_password=CHOSEN, otp="123 456")
    assert page.status == 200
    assert all(code in page.text for code in codes)
    [call] = gateway.heard("PUT", INVITED)
    assert call.body == {"new_password": CHOSEN, "otp": "123456"}


async def test_a_wrong_first_code_leaves_the_link_and_a_used_link_says_whom_to_ask(
    browser: Browser, gateway: Gateway
) -> None:
    gateway.say("GET", INVITED, (200, INVITATION))
    gateway.refuse("PUT", INVITED, 422, errors=[{"pointer": "/otp", "detail": "Ce code n'est pas le bon."}])
    page = await browser.get("/agent/activation?token=a-secret")
    page = await browser.submit(page, "/agent/activation", new_password=CHOSEN, otp="000000")
    assert (page.status, page.errors) == (422, ["Ce code n'est pas le bon."])
    assert page.form("/agent/activation")["token"] == ["a-secret"]
    assert CHOSEN not in page.source
    gateway.refuse("GET", INVITED, 410, "Ce lien a déjà servi.")
    gateway.refuse("PUT", INVITED, 410, "Ce lien a déjà servi.")
    page = await browser.submit(page, "/agent/activation", new_password=CHOSEN, otp="000000")
    assert (page.status, page.errors) == (410, ["Ce lien a déjà servi."])
    gateway.calls.clear()
    for token in ("", "../../me", "é", "x" * 500):
        page = await browser.get(f"/agent/activation?token={token}")
        assert (page.status, page.heading) == (410, "Ouvrir votre compte d'agent")
        assert "demandez-en un nouveau" in page.text
    assert not gateway.calls


async def test_a_link_is_not_used_up_by_being_looked_at(browser: Browser, gateway: Gateway) -> None:
    await browser.get("/activation?token=a-secret")
    assert not gateway.calls
