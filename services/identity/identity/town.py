"""What identity takes from a town's description: legal texts, the password policy, accounts, clients and tablets."""

from collections import Counter
from datetime import datetime
from typing import Annotated, Literal

from chassis import clock
from chassis.fields import Email, Name
from chassis.identifiers import named_id, new_id
from chassis.outbox import publish
from chassis.towns import Code, Entry, Matching, Words, refers_to, unique_in
from pydantic import Field, field_validator, model_validator
from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from identity import passwords
from identity.accounts import activated
from identity.clients.models import Client, ClientSecret
from identity.fields import Username
from identity.models import Account, AccountStatus
from identity.models import Town as TownRow
from identity.names import email_key, username_key
from identity.registrations import legal
from identity.registrations.models import LegalText
from identity.sessions.models import Device
from identity.tokens import digest


class Commune(Entry):
    name: Words
    password_policy: passwords.Policy


class Desk(Entry):
    """Where families are helped, as a letter's foot says it."""

    name: Words
    address: Words
    phone: Words


class LegalEntry(Entry):
    version: Words
    title: Words
    text: Words


class LegalTexts(Entry):
    terms: LegalEntry
    privacy: LegalEntry


class ClientEntry(Entry):
    """A program of the town's; `scope` are words with spaces between."""

    name: Annotated[Code, unique_in("clients", by="name")]
    secret: Words
    scope: Words


class DeviceEntry(Entry):
    """A tablet, enrolled for a site: site staff sign in on it with their PIN."""

    name: Annotated[Words, unique_in("devices", by="name")]
    site: Annotated[Code, refers_to("schools", "centres")]
    token: Annotated[Words, unique_in("devices", by="token")]


class AccountEntry(Entry):
    """A guardian is the first adult of their family; the staff's own names stand in the account.

    Site staff have a PIN, for the tablets of their sites, and no password. Who collects has régies.
    """

    username: Username
    password: Words | None = None
    role: Literal["guardian", "agent", "cashier", "administrator", "site_staff"]
    dossier: Annotated[str, refers_to("families", by="number"), unique_in("accounts", by="dossier")] | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    email: Email | None = None
    totp_secret: Annotated[str, Matching("[A-Z2-7]{16,}", "Un secret TOTP est attendu (base32).")] | None = None
    pin: Annotated[str, Matching("[0-9]{4,}", "Quatre chiffres ou plus sont attendus, entre guillemets.")] | None = None
    sites: list[Annotated[Code, refers_to("schools", "centres")]] = Field(default=[])
    regies: list[Annotated[Code, refers_to("regies")]] = Field(default=[])

    @model_validator(mode="after")
    def _has_what_the_role_needs(self) -> "AccountEntry":
        needed = {
            "guardian": ("dossier", "password"),
            "site_staff": ("first_name", "last_name", "email", "pin"),
        }.get(self.role, ("first_name", "last_name", "email", "password", "totp_secret"))
        if missing := [name for name in needed if getattr(self, name) is None]:
            raise ValueError(f"Il manque, pour ce rôle : {', '.join(missing)}.")
        if self.role == "site_staff" and self.password is not None:
            raise ValueError(
                "Le personnel des sites (site_staff) n'a pas de mot de passe : un code PIN, sur une tablette."
            )
        if self.role != "guardian" and self.dossier is not None:
            raise ValueError("Seul un responsable légal (guardian) a un dossier.")
        if self.role not in ("cashier", "agent") and self.regies:
            raise ValueError("Seuls un régisseur (cashier) ou un agent (agent) encaissent pour des régies.")
        return self


class Person(Entry):
    first_name: Name
    last_name: Name
    email: Email | None = None


class Household(Entry):
    number: str
    adults: Annotated[list[Person], Field(min_length=1)]


class Town(Entry):
    town: Commune
    desk: Desk
    legal: LegalTexts
    clients: list[ClientEntry] = Field(default=[])
    devices: list[DeviceEntry] = Field(default=[])
    accounts: list[AccountEntry] = Field(default=[])
    families: list[Household] = Field(default=[])

    @field_validator("accounts")
    @classmethod
    def _usernames_differ(cls, accounts: list[AccountEntry]) -> list[AccountEntry]:
        for key, times in Counter(username_key(account.username) for account in accounts).items():
            if times > 1:
                raise ValueError(f"Deux comptes portent le nom d'utilisateur « {key} ».")
        return accounts

    @model_validator(mode="after")
    def _guardians_can_be_written_to(self) -> "Town":
        mute = {household.number for household in self.families if household.adults[0].email is None}
        for account in self.accounts:
            if account.dossier in mute:
                raise ValueError(f"Compte {account.username} : le premier adulte du dossier n'a pas de courriel.")
        return self


async def load(session: AsyncSession, town: Town) -> None:
    """Store what is not there yet; only what was stored is published."""
    now = clock.now()
    desk = {f"desk_{name}": value for name, value in town.desk.model_dump().items()}
    chosen = {"only_row": True, **town.town.model_dump(), **desk}
    await session.execute(insert(TownRow).values(chosen).on_conflict_do_nothing())
    texts = [
        {"kind": kind, "published_at": now, **text.model_dump()}
        for kind, text in (("terms", town.legal.terms), ("privacy", town.legal.privacy))
    ]
    await session.execute(insert(LegalText).values(texts).on_conflict_do_nothing())
    for client in town.clients:
        await _load_client(session, client, now)
    devices = [
        {
            "id": named_id("device", device.name),
            "site_id": named_id("site", device.site),
            "name": device.name,
            "digest": digest(device.token),
            "created_at": now,
        }
        for device in town.devices
    ]
    if devices:
        await session.execute(insert(Device).values(devices).on_conflict_do_nothing())
    for account in town.accounts:
        await _load_account(session, account, town)


async def _load_client(session: AsyncSession, client: ClientEntry, now: datetime) -> None:
    client_id = named_id("client", client.name)
    if await session.get(Client, client_id):
        return
    hashed = await passwords.hashed(client.secret)
    session.add(Client(id=client_id, name=client.name, scope=client.scope, created_at=now))
    await session.flush()
    session.add(ClientSecret(id=new_id(), client_id=client_id, hash=hashed, created_at=now, expires_at=None))


async def _load_account(session: AsyncSession, account: AccountEntry, town: Town) -> None:
    account_id, now = named_id("account", account.username), clock.now()
    there = or_(Account.id == account_id, Account.username_key == username_key(account.username))
    if await session.scalar(select(Account.id).where(there)):
        return
    person: Person | AccountEntry = account
    if account.dossier:
        person = next(one for one in town.families if one.number == account.dossier).adults[0]
    email = person.email or ""
    stored = Account(
        id=account_id,
        version=1,
        status=AccountStatus.ACTIVE,
        role=account.role,
        username=account.username,
        username_key=username_key(account.username),
        password_hash=await passwords.hashed(account.password) if account.password else None,
        first_name=person.first_name,
        last_name=person.last_name,
        email=email,
        email_key=email_key(email),
        dossier_id=named_id("dossier", account.dossier) if account.dossier else None,
        guardian_id=named_id("adult", account.dossier, "1") if account.dossier else None,
        site_ids=[named_id("site", code) for code in account.sites],
        regies=account.regies,
        totp_secret=account.totp_secret,
        pin_hash=await passwords.hashed(account.pin) if account.pin else None,
        created_at=now,
    )
    session.add(stored)
    await session.flush()
    if account.dossier:
        accepted: dict[legal.Kind, str] = {"terms": town.legal.terms.version, "privacy": town.legal.privacy.version}
        legal.accept(session, account_id, accepted, now)
        await publish(session, activated(stored))
