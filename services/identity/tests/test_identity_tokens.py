"""What an access token says, and that no secret is kept."""

import pytest
from chassis.identifiers import named_id
from chassis.reach import Reach
from chassis.testing import ISSUER, Signer
from identity.main import SERVICE
from joserfc import jwt
from joserfc.jwk import KeySet

from services.identity.tests.portal import MARTIN, Portal


async def test_the_access_token_says_who_calls_and_verifies_with_the_published_key(portal: Portal) -> None:
    _, tokens = await portal.sign_in(**MARTIN)
    async with portal.client.get("/v1/.well-known/jwks.json") as answer:
        published = await answer.json()
    assert all("d" not in key for key in published["keys"])
    token = jwt.decode(tokens["access_token"], KeySet.import_key_set(published), algorithms=["ES256"])
    assert token.header == {"alg": "ES256", "typ": "at+jwt", "kid": published["keys"][0]["kid"]}
    said = dict(token.claims)
    assert said.pop("exp") - said.pop("iat") == 600
    assert said.pop("sid")
    assert said.pop("jti")
    assert said == {
        "iss": ISSUER,
        "aud": "espace-familles",
        "sub": str(named_id("account", "martin")),
        "role": "guardian",
        "dossier_id": str(named_id("dossier", "100001")),
        "guardian_id": str(named_id("adult", "100001", "1")),
    }


@pytest.mark.parametrize(
    ("login", "name", "collects"), [("regie", "Rémi Régie", True), ("agent", "Agnès Guichet", False)]
)
async def test_the_access_token_names_the_staff_and_the_regies_they_collect_for(
    portal: Portal, signer: Signer, login: str, name: str, collects: bool
) -> None:
    _, tokens = await portal.sign_in_staff(login)
    reach = Reach.model_validate(jwt.decode(tokens["access_token"], signer.keys, algorithms=["ES256"]).claims)
    assert (reach.name, reach.covers_regie("enfance"), reach.covers_regie("autre")) == (name, collects, False)
    _, me = await portal.get("/me", tokens["access_token"])
    assert me["regies"] == list(reach.regies)


async def test_who_collects_no_more_is_told_so_at_the_next_refresh(portal: Portal, signer: Signer) -> None:
    _, tokens = await portal.sign_in_staff("regie")
    await portal.execute("UPDATE accounts SET regies = '{}' WHERE username = 'regie'")
    _, tokens = await portal.refresh(tokens["refresh_token"])
    assert "regies" not in jwt.decode(tokens["access_token"], signer.keys, algorithms=["ES256"]).claims


async def test_no_secret_is_kept_as_it_was_given(portal: Portal) -> None:
    _, given = await portal.claim()
    await portal.register(given["dossier_claim"])
    link = await portal.link()
    _, tokens = await portal.sign_in(**MARTIN)
    assert (await portal.sign_in_on_tablet())[0] == 201
    for table in SERVICE.metadata.tables:
        rows = " ".join(await portal.scalars(f"SELECT row_to_json(t)::text FROM {table} t"))
        for secret in (
            given["dossier_claim"],
            link,
            tokens["refresh_token"],
            MARTIN["password"],
            "Papillon!24",
            "tablette-demo",
        ):
            assert secret not in rows
            assert secret.encode().hex() not in rows
