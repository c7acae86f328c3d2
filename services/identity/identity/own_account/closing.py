"""Closing one's own account: nothing of it stays but what the law asks, and one may have another one later."""

from datetime import datetime

from chassis.erasure import erase
from chassis.identifiers import new_id
from chassis.outbox import publish
from sqlalchemy.ext.asyncio import AsyncSession

from identity import accounts
from identity.models import Account, Base
from identity.notices.writing import write
from identity.sessions import lines


async def close(session: AsyncSession, account: Account, now: datetime) -> None:
    """Erase a guardian's account with its sessions and links, tell the other services and, a last time, its address.

    That it accepted the legal texts is kept, of nobody in particular. The dossier is the town's, and stays.
    """
    await publish(session, accounts.closed(account))
    name, email, dossier_id = f"{account.first_name} {account.last_name}", account.email, account.dossier_id
    await lines.end_all(session, account.id)
    await erase(session, Base.metadata, "account", account.id)
    await write(
        session,
        notice_id=new_id(),
        dossier_id=dossier_id,
        email=email,
        title="Votre compte est fermé",
        paragraphs=[
            f"Bonjour {name},",
            "Votre compte Espace Familles est fermé, comme vous l'avez demandé. Votre dossier à la mairie, vos"
            " inscriptions, vos réservations et vos factures ne changent pas : la mairie vous écrira autrement.",
            "Vous pouvez créer un nouveau compte à tout moment. Si ce n'est pas vous, prévenez aussitôt le guichet.",
        ],
        link="/inscrivez-vous",
        now=now,
    )
