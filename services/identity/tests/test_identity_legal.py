"""Legal texts: the current ones alone are accepted, and that is kept."""

import pytest

from services.identity.tests.portal import Portal, pointers


@pytest.mark.parametrize("kind", ["terms_version", "privacy_version"])
async def test_only_the_current_legal_texts_can_be_accepted(portal: Portal, kind: str) -> None:
    status, problem = await portal.register(**{kind: "2020-01"})
    assert (status, pointers(problem)) == (422, [f"/{kind}"])


async def test_each_acceptance_is_kept_and_cannot_be_changed(portal: Portal) -> None:
    await portal.register()
    (account,) = await portal.scalars("SELECT id FROM accounts WHERE username = 'cmoreau'")
    kept = await portal.scalars(f"SELECT kind || ' ' || version FROM acceptances WHERE account_id = '{account}'")
    assert sorted(kept) == ["privacy 2026-09", "terms 2026-09"]
    for change in ("UPDATE acceptances SET version = 'x'", "DELETE FROM acceptances", "DELETE FROM legal_texts"):
        with pytest.raises(Exception, match="permission denied"):
            await portal.scalars(change)


async def test_the_legal_texts_are_public(portal: Portal) -> None:
    for kind, title in (
        ("terms", "Conditions générales d'utilisation"),
        ("privacy", "Politique de confidentialité"),
    ):
        async with portal.client.get(f"/v1/legal/{kind}") as answer:
            read = await answer.json()
        assert (read["version"], read["title"]) == ("2026-09", title)
        assert "Villeneuve" in read["text"] or "commune" in read["text"]
