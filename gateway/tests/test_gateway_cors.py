"""Pages of declared origins call from a browser; those of any other are told nothing, and no cookie is ever meant."""

import aiohttp
import pytest
from chassis.settings import read
from gateway.settings import Settings

Client = aiohttp.ClientSession

APP, OTHER_APP = "https://app.example.org", "capacitor://localhost"
THINGS = "/api/dossier/v1/things"
ASKED = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization,if-match"}

declared = pytest.mark.parametrize("client", [{"cors_origins": f"{APP}, {OTHER_APP}"}], indirect=True)


def said(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """All that an answer says of origins."""
    return {n.lower(): v for n, v in answer.headers.items() if n.lower().startswith("access-control-")}


@declared
@pytest.mark.parametrize("origin", [APP, OTHER_APP])
async def test_a_declared_origin_may_call_without_cookies_and_read_the_answer(client: Client, origin: str) -> None:
    async with client.get(THINGS, headers={"Origin": origin}) as answer:
        assert (answer.status, answer.headers.getall("Vary")) == (207, ["Origin"])
    assert said(answer) == {
        "access-control-allow-origin": origin,
        "access-control-expose-headers": "ETag, Retry-After, X-Request-Id",
    }


@declared
async def test_its_preflight_is_answered_here_and_kept_for_two_hours(client: Client, heard: list[str]) -> None:
    async with client.options(THINGS, headers={"Origin": APP} | ASKED) as answer:
        assert (answer.status, await answer.read(), answer.headers["Vary"]) == (204, b"", "Origin")
    told = said(answer)
    assert (told["access-control-allow-origin"], told["access-control-max-age"]) == (APP, "7200")
    assert {"PUT", "DELETE", "PATCH"} <= set(told["access-control-allow-methods"].split(", "))
    allowed = told["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "idempotency-key", "if-match"} <= set(allowed)
    assert "access-control-allow-credentials" not in told
    assert heard == []


@declared
@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.org.evil.example",
        "https://evil.example",
        "https://app.example.org:8443",
        "http://app.example.org",
        "https://APP.example.org",
        "https://sub.app.example.org",
        "https://app.example.org/",
        f"{APP}, {OTHER_APP}",
        "null",
        "*",
        "",
    ],
)
async def test_any_other_origin_is_told_nothing(client: Client, heard: list[str], origin: str) -> None:
    async with client.get(THINGS, headers={"Origin": origin}) as answer:
        assert (answer.status, said(answer), answer.headers["Vary"]) == (207, {}, "Origin")
    heard.clear()
    async with client.options(THINGS, headers={"Origin": origin} | ASKED) as answer:
        assert (said(answer), heard) == ({}, ["/v1/things"])  # a call like any other, which the service judges


@declared
async def test_two_origins_at_once_are_none(client: Client) -> None:
    both = [("Origin", APP), ("Origin", APP)]
    async with client.get(THINGS, headers=both) as answer:
        assert said(answer) == {}


@declared
async def test_a_refusal_by_the_gateway_itself_can_be_read_too(client: Client) -> None:
    for path, status in (("/api/nowhere/v1/x", 404), ("/api/billing/v1/invoices", 503)):
        async with client.get(path, headers={"Origin": APP}) as answer:
            assert (answer.status, said(answer)["access-control-allow-origin"]) == (status, APP)


@declared
async def test_what_is_no_preflight_reaches_its_service(client: Client, heard: list[str]) -> None:
    async with client.options(THINGS, headers={"Origin": APP}) as answer:
        assert (answer.status, heard) == (207, ["/v1/things"])


@pytest.mark.parametrize("client", [{"cors_origins": APP, "flood_limit": "2/minute"}], indirect=True)
async def test_preflights_are_counted_like_every_call(client: Client) -> None:
    statuses = []
    for _ in range(3):
        async with client.options(THINGS, headers={"Origin": APP} | ASKED) as answer:
            statuses.append((answer.status, said(answer)["access-control-allow-origin"]))
    assert statuses == [(204, APP), (204, APP), (429, APP)]


async def test_where_none_is_declared_nothing_is_said_at_all(client: Client) -> None:
    async with client.get(THINGS, headers={"Origin": APP}) as answer:
        assert (said(answer), "Vary" in answer.headers) == ({}, False)


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "null",
        "app.example.org",
        "https://app.example.org/",
        "https://App.example.org",
        "https://app.example.org:443",
        "https://*.example.org",
        f"{APP},",
        f"{APP} {OTHER_APP}",
    ],
)
def test_an_origin_that_no_browser_would_send_is_said_before_it_starts(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "8000")
    monkeypatch.setenv("GATEWAY_UPSTREAMS", "{}")
    for right in ("", APP, f"{APP}, {OTHER_APP},http://[::1]:8000"):
        monkeypatch.setenv("GATEWAY_CORS_ORIGINS", right)
        assert read(Settings).cors_origins == right
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", wrong)
    with pytest.raises(SystemExit, match=r"^Set in the environment: GATEWAY_CORS_ORIGINS \(.*\)\.$"):
        read(Settings)
