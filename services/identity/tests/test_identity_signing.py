"""Signing keys: the first, the next, and that no token is met whose key is not published."""

import asyncio

from chassis.testing import Signer, shifted_clock
from identity import signing
from identity.worker import forget_what_is_over
from joserfc import jws

from services.identity.tests.portal import MARTIN, Portal


async def kids(portal: Portal) -> list[str]:
    async with portal.client.get("/v1/.well-known/jwks.json") as answer:
        assert answer.status == 200
        published = (await answer.json())["keys"]
    assert all("d" not in key for key in published)
    return [key["kid"] for key in published]


async def signed_by(portal: Portal) -> str:
    status, tokens = await portal.sign_in(**MARTIN)
    assert status == 201
    kid: str = jws.extract_compact(tokens["access_token"].encode()).headers()["kid"]
    return kid


async def test_the_first_key_is_made_by_whoever_needs_it_and_once(portal: Portal) -> None:
    await portal.execute("DELETE FROM signing_keys")
    published = await asyncio.gather(*(kids(portal) for _ in range(10)), signed_by(portal))
    assert len({*published[-1:], *(kid for one in published[:-1] for kid in one)}) == 1


async def test_the_next_key_is_published_before_it_signs_and_the_old_one_while_its_tokens_live(
    portal: Portal, signer: Signer
) -> None:
    old = signer.key.kid
    assert await kids(portal) == [old]
    said = await signing.rotate(portal.database, portal.settings)
    assert await asyncio.gather(*(signing.rotate(portal.database, portal.settings) for _ in range(3))) == [said] * 3
    [kept, new] = await kids(portal)
    assert kept == old
    assert new in said
    assert await signed_by(portal) == old
    for minutes, signs, published in (
        (9, old, [old, new]),
        (11, new, [old, new]),
        (24, new, [old, new]),
        (26, new, [new]),
    ):
        with shifted_clock(portal.clock_file, minutes * 60):
            assert (await signed_by(portal), await kids(portal)) == (signs, published)
    with shifted_clock(portal.clock_file, 26 * 60):
        await forget_what_is_over(portal.database, portal.settings)
        assert await portal.scalars("SELECT kid FROM signing_keys") == [new]


async def test_a_key_is_kept_sealed(portal: Portal, signer: Signer) -> None:
    [sealed] = await portal.scalars("SELECT sealed FROM signing_keys")
    assert str(signer.key.as_dict(private=True)["d"]) not in sealed
    assert sealed.count(".") == 4
