"""What identity takes from a town's description: legal texts, the password policy, staff and demo accounts, clients."""

from collections.abc import Mapping
from typing import Any

from chassis import clock
from chassis.identifiers import named_id
from chassis.outbox import publish
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity import legal, passwords
from identity.accounts import activated
from identity.models import Account, AccountStatus, Client, LegalText, Town
from identity.names import email_key, username_key


async def load(session: AsyncSession, town: Mapping[str, Any]) -> None:
    """Store what is not there yet; only what was stored is published."""
    now = clock.now()
    chosen = {"only_row": True, "name": town["town"]["name"], "password_policy": town["town"]["password_policy"]}
    await session.execute(insert(Town).values(chosen).on_conflict_do_nothing())
    texts = [
        {"kind": kind, "version": text["version"], "title": text["title"], "text": text["text"], "published_at": now}
        for kind, text in town["legal"].items()
    ]
    await session.execute(insert(LegalText).values(texts).on_conflict_do_nothing())
    for client in town.get("clients", ()):
        await _load_client(session, client)
    for account in town.get("accounts", ()):
        await _load_account(session, account, town)


async def _load_client(session: AsyncSession, client: Mapping[str, Any]) -> None:
    client_id = named_id("client", client["name"])
    if await session.get(Client, client_id):
        return
    hashed = await passwords.hashed(client["secret"])
    session.add(Client(id=client_id, name=client["name"], secret_hash=hashed, scope=client["scope"]))


async def _load_account(session: AsyncSession, account: Mapping[str, Any], town: Mapping[str, Any]) -> None:
    account_id, now = named_id("account", account["username"]), clock.now()
    there = or_(Account.id == account_id, Account.username_key == username_key(account["username"]))
    if await session.scalar(select(Account.id).where(there)):
        return
    is_guardian = account["role"] == "guardian"
    # A guardian is the first adult of their family; the staff's own names stand in the account.
    person = _family(town, account["dossier"])["adults"][0] if is_guardian else account
    stored = Account(
        id=account_id,
        version=1,
        status=AccountStatus.ACTIVE,
        role=account["role"],
        username=account["username"],
        username_key=username_key(account["username"]),
        password_hash=await passwords.hashed(account["password"]),
        first_name=person["first_name"],
        last_name=person["last_name"],
        email=person["email"],
        email_key=email_key(person["email"]),
        dossier_id=named_id("dossier", account["dossier"]) if is_guardian else None,
        guardian_id=named_id("adult", account["dossier"], "1") if is_guardian else None,
        site_ids=[named_id("site", code) for code in account.get("sites", ())],
        totp_secret=account.get("totp_secret"),
        pin_hash=await passwords.hashed(account["pin"]) if "pin" in account else None,
        created_at=now,
    )
    session.add(stored)
    await session.flush()
    if is_guardian:
        legal.accept(session, account_id, {kind: town["legal"][kind]["version"] for kind in ("terms", "privacy")}, now)
        await publish(session, activated(stored))


def _family(town: Mapping[str, Any], number: str) -> Mapping[str, Any]:
    families: list[Mapping[str, Any]] = town["families"]
    return next(family for family in families if family["number"] == number)
