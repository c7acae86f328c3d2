"""A child's menu and what its guardians consent to, changed at once."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from chassis.editing import Seen
from chassis.reach import Acting
from contracts.dossier import Menu
from sqlalchemy.ext.asyncio import AsyncSession

from dossier import children, dossiers
from dossier.models import Child, Consent, ConsentKind


async def prefer(
    session: AsyncSession,
    acting: Acting,
    seen: Seen,
    child_id: UUID,
    menu: Menu | None,
    consents: Mapping[ConsentKind, bool],
    now: datetime,
) -> Child:
    """Have that menu (none: the same) and these answers; the others stay. Raises NotFound, Archived, Stale."""
    await dossiers.edited(session, acting.by, acting.dossier_id)
    child = await children.find(session, acting, child_id, seen)
    given = {one.kind: one for one in child.consents}
    answers = {kind: yes for kind, yes in consents.items() if kind not in given or given[kind].given != yes}
    if menu in (None, child.menu) and not answers:
        return child
    child.menu = menu or child.menu
    for kind, yes in answers.items():
        answer = given.get(kind) or Consent(child_id=child.id, kind=kind)
        answer.given, answer.given_at, answer.given_by = yes, now, acting.by.sub
        if kind not in given:
            child.consents.append(answer)
    await children.changed(session, child)
    await dossiers.judged(session, [acting.dossier_id])
    return child
