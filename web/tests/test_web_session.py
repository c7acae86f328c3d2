"""Signing in and out, and the session's cookie: refreshed, sealed, and never taken away by a tab that comes late."""

import json

import pytest
from gateway.settings import Settings as Door
from web.sealing import Seal, new_keys
from web.session import NAME
from web.settings import Settings

from gateway import main as gateways
from tests.browsers import Browser
from tests.gateways import ME, Gateway
from web import main


async def test_whoever_signs_in_comes_back_to_the_page_they_wanted(browser: Browser, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    page = await browser.get("/?mois=mai")
    assert (page.heading, page.form("/connexion")["retour"]) == ("Bienvenue dans l'Espace Familles", ["/?mois=mai"])
    page = await browser.submit(page, "/connexion", login=" claire ", password=" Secret! ")
    assert (page.path, page.heading) == ("/?mois=mai", "Bonjour Claire")
    [asked] = gateway.heard("POST", "/identity/v1/sessions")
    assert asked.body == {"login": "claire", "password": " Secret! "}
    assert asked.headers["X-Forwarded-For"] == "127.0.0.1"


@pytest.mark.parametrize("elsewhere", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", ""])
async def test_the_way_back_leads_nowhere_else(browser: Browser, gateway: Gateway, elsewhere: str) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    page = await browser.submit(
        await browser.get("/connexion"), "/connexion", login="claire", password="x", retour=elsewhere
    )
    assert page.path == "/"


async def test_a_refused_sign_in_says_why_and_keeps_the_name_only(browser: Browser, gateway: Gateway) -> None:
    gateway.refuse("POST", "/identity/v1/sessions", 401, "Identifiant ou mot de passe incorrect.")
    page = await browser.get("/connexion")
    page = await browser.submit(page, "/connexion", login="claire", password="Faux!")
    assert (page.status, page.errors) == (422, ["Identifiant ou mot de passe incorrect."])
    assert page.title.startswith("Erreur : ")
    assert page.form("/connexion")["login"] == ["claire"]
    assert "Faux!" not in page.source
    page = await browser.submit(page, "/connexion", login="", password="")
    assert page.errors == ["Indiquez votre nom d'utilisateur.", "Indiquez votre mot de passe."]


async def test_signing_out_ends_the_line_and_the_cookie(claire: Browser, gateway: Gateway) -> None:
    gateway.say("DELETE", "/identity/v1/sessions/current", (204, None))
    kept = dict(claire.cookies)
    page = await claire.submit(await claire.get("/"), "/deconnexion")
    assert "Vous êtes déconnecté." in page.text
    [ended] = gateway.heard("DELETE", "/identity/v1/sessions/current")
    assert ended.headers["Authorization"] == "Bearer access-1"
    assert claire.cookies[NAME] != kept[NAME]  # the sign-in page's own, nobody's
    assert (await claire.get("/")).path.startswith("/connexion")


async def test_the_cookie_is_set_only_when_the_session_changes(claire: Browser) -> None:
    assert "Set-Cookie" not in (await claire.get("/")).headers


async def test_a_token_about_to_end_is_refreshed_once(browser: Browser, gateway: Gateway) -> None:
    gateway.say("POST", "/identity/v1/sessions", (201, gateway.tokens(expires_in=30)))
    gateway.say("POST", "/identity/v1/sessions/refresh", (200, gateway.tokens()))
    gateway.say("GET", "/identity/v1/me", (200, ME))
    await browser.submit(await browser.get("/connexion"), "/connexion", login="claire", password="x")
    await browser.get("/connexion")  # asks who that is, and leads on
    assert [call.body for call in gateway.heard("POST", "/identity/v1/sessions/refresh")] == [
        {"refresh_token": "refresh-1"}
    ]
    assert gateway.heard("GET", "/identity/v1/me")[-1].headers["Authorization"] == "Bearer access-2"


async def test_a_tab_that_comes_too_late_takes_nothing_from_the_other(claire: Browser, gateway: Gateway) -> None:
    gateway.refuse("GET", "/identity/v1/me", 401)
    gateway.refuse("POST", "/identity/v1/sessions/refresh", 401)
    kept = dict(claire.cookies)
    page = await claire.get("/connexion")
    assert (page.status, page.heading) == (200, "Bienvenue dans l'Espace Familles")
    assert claire.cookies == kept


async def test_what_was_typed_when_the_session_ended_is_sent_again_after_signing_in(
    claire: Browser, gateway: Gateway
) -> None:
    typed = {"csrf": "of the session that ended", "note": ["un", "deux"], "cle": "one-key", "password": "P!"}
    del claire.cookies[NAME]
    page = await claire.post("/deconnexion", typed | {"csrf": ""})  # a form that asks nobody to sign in
    assert (page.status, page.heading) == (403, "Reprendre votre saisie")
    sent = page.form("/deconnexion")
    assert (sent["note"], sent["cle"]) == (["un", "deux"], ["one-key"])
    assert "P!" not in page.source
    gateway.say("DELETE", "/identity/v1/sessions/current", (204, None))
    assert (await claire.submit(page, "/deconnexion")).status == 200


async def test_an_old_form_of_another_session_is_offered_again_and_not_taken(claire: Browser, gateway: Gateway) -> None:
    page = await claire.get("/")
    page = await claire.submit(page, "/deconnexion", csrf="another")
    assert page.heading == "Reprendre votre saisie"
    assert not gateway.heard("DELETE", "/identity/v1/sessions/current")


async def test_a_browser_that_keeps_no_cookie_is_told_so(browser: Browser) -> None:
    browser.keeps_cookies = False
    page = await browser.submit(await browser.get("/connexion"), "/connexion", login="claire", password="x")
    page = await browser.submit(page, "/connexion", password="x")
    assert page.status == 403
    assert "Autorisez les cookies" in page.text


# ---------------------------------------------------------------------- forged forms


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "none"}, {"Origin": "https://evil.example"}, {}],
)
async def test_a_form_of_another_site_is_refused(claire: Browser, gateway: Gateway, headers: dict[str, str]) -> None:
    page = await claire.get("/")
    claire.headers = headers
    page = await claire.submit(page, "/deconnexion")
    assert (page.status, page.heading) == (403, "Cette action n'est pas possible ici")
    assert not gateway.heard("DELETE", "/identity/v1/sessions/current")


async def test_an_old_browser_is_known_by_its_origin(claire: Browser, gateway: Gateway) -> None:
    gateway.say("DELETE", "/identity/v1/sessions/current", (204, None))
    page = await claire.get("/")
    claire.headers = {"Origin": claire.origin}
    assert "Vous êtes déconnecté." in (await claire.submit(page, "/deconnexion")).text


# ---------------------------------------------------------------------- the seal


def test_a_new_key_seals_and_the_older_one_still_opens() -> None:
    old, new = json.loads(new_keys()), json.loads(new_keys())
    sealed = Seal(json.dumps(old)).close("a", {"b": "é"})
    assert Seal(json.dumps(new + old)).open("a", sealed) == {"b": "é"}
    assert Seal(json.dumps(new)).open("a", sealed) is None
    assert Seal(json.dumps(old)).open("a", Seal(json.dumps(new + old)).close("a", {})) is None


@pytest.mark.parametrize("forged", ["", "a.b.c.d.e", "e30", "é", "eyJhbGciOiJub25lIn0.e30."])
def test_what_we_did_not_seal_does_not_open(forged: str) -> None:
    assert Seal(new_keys()).open("a", forged) is None


def test_what_was_sealed_for_one_purpose_opens_for_no_other() -> None:
    seal = Seal(new_keys())
    assert seal.open("b", seal.close("a", {})) is None
    assert seal.open("a", seal.close("a", {})) == {}


@pytest.mark.parametrize("keys", ["", "[]", "{}", '[{"kty": "oct", "k": "c2hvcnQ"}]'])
def test_a_key_that_is_none_is_refused_without_being_said(settings: Settings, keys: str) -> None:
    with pytest.raises(ValueError, match="a JSON list of symmetric keys") as refused:
        Settings(**settings.model_dump() | {"session_keys": keys})
    assert "c2hvcnQ" not in str(refused.value.__cause__)


@pytest.mark.parametrize("cookie", ["x", "eyJhbGciOiJkaXIifQ....", "é", '"', ";;=;"])
async def test_a_cookie_of_yesterdays_key_is_no_session(browser: Browser, cookie: str) -> None:
    page = await browser.get("/", Cookie=f"{NAME}={cookie}".encode().decode("latin-1"))
    assert page.heading == "Bienvenue dans l'Espace Familles"


# ---------------------------------------------------------------------- a line that is cut


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_what_the_service_did_not_answer_is_sent_again_as_it_was(
    browser: Browser, gateway: Gateway, status: int
) -> None:
    gateway.refuse("POST", "/identity/v1/registrations/resend", status)
    page = await browser.get("/inscrivez-vous/lien")
    page = await browser.submit(page, "/inscrivez-vous/lien", email="claire@example.org", cle="one-key-for-all")
    assert page.status == (429 if status == 429 else 503)
    assert page.form("/inscrivez-vous/lien")["cle"] == ["one-key-for-all"]
    gateway.say("POST", "/identity/v1/registrations/resend", (202, None))
    page = await browser.submit(page, "/inscrivez-vous/lien")
    assert page.heading == "Un lien vous a été envoyé, valable 72 heures"
    bodies = [call.body for call in gateway.heard("POST", "/identity/v1/registrations/resend")]
    assert bodies == [{"email": "claire@example.org"}] * 2


async def test_a_password_is_never_kept_to_be_sent_again(browser: Browser, gateway: Gateway) -> None:
    gateway.refuse("POST", "/identity/v1/sessions", 503)
    page = await browser.submit(await browser.get("/connexion"), "/connexion", login="claire", password="Secret!1")
    assert page.status == 503
    assert "Secret!1" not in page.source
    assert not [one for one in page.all("form") if one.get("action") == "/connexion"]


def test_no_connection_is_reused_when_the_gateway_is_about_to_close_it() -> None:
    """What is sent into a closing connection is lost, and a form is not to be sent twice by itself."""
    gateway = gateways.configuration(Door(port=0, upstreams={}))
    assert gateway.timeout_keep_alive > main.KEEP_ALIVE_S
