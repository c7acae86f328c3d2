"""Quotients asked of API Particulier for every family that agrees: begun, followed, and of whom nothing was found."""

from french.wording import moment
from starlette.responses import Response

from web.answers.dossier import Campaign, CampaignReport
from web.listings import Column, Listing, spreadsheet
from web.pages.agent.quotients import NOT_ASKED
from web.refusals import Refused
from web.roles import ADMINISTRATORS
from web.visits import Visit, route

PATH, API = "/agent/quotients", "/dossier/v1/quotient-campaigns"
STATES = {"running": "En cours", "done": "Terminée"}
#: The page of a campaign that runs is loaded anew each few seconds, for who has asked for it.
FOLLOWED, EACH_S = "suivre", "5"

LISTING = Listing(
    PATH,
    "Demander tous les quotients",
    Campaign,
    API,
    [
        Column("Demandés le", lambda one: moment(one.asked_at), lambda one: f"{PATH}/{one.id}"),
        Column("État", lambda one: STATES.get(one.status, one.status)),
        Column("Familles", lambda one: f"{one.done} sur {one.total}"),
        Column("Nouveaux quotients", lambda one: str(one.changed)),
        Column("Inchangés", lambda one: str(one.unchanged)),
        Column("Non trouvés", lambda one: str(one.unknown + one.no_consent)),
    ],
    roles=ADMINISTRATORS,
    nothing="Les quotients n'ont encore jamais été demandés pour toutes les familles.",
    template="agent/quotient_campaigns.html",
)


async def begin(visit: Visit) -> Response:
    """Where one runs, that one is shown."""
    try:
        campaign = await visit.api.post(Campaign, API, None)
    except Refused as refused:
        if refused.type not in NOT_ASKED:
            raise
        visit.form.refuse("", refused.detail)
        return await LISTING.show(visit)
    return visit.go(f"{PATH}/{campaign.id}")


async def show(visit: Visit) -> Response:
    campaign_id, after = visit.path("campaign_id"), visit.query("suite")
    report = await visit.api.get(CampaignReport, f"{API}/{campaign_id}", after=after or None)
    followed = report.status == "running" and FOLLOWED in visit.request.query_params
    page = visit.page(
        "agent/quotient_campaign.html",
        report=report,
        state=STATES.get(report.status, report.status),
        path=f"{PATH}/{campaign_id}",
        followed=followed,
        after=after,
    )
    if followed:
        page.headers["Refresh"] = EACH_S
    return page


async def export(visit: Visit) -> Response:
    """All those of whom nothing was found."""
    rows: list[list[str]] = []
    after: str | None = ""
    while after is not None:
        path = f"{API}/{visit.path('campaign_id')}"
        report = await visit.api.get(CampaignReport, path, after=after or None, limit=200)
        rows += [[one.number, one.detail] for one in report.items]
        after = report.next_number
    return spreadsheet("quotients-non-trouves", ["Dossier", "Pourquoi"], rows)


ROUTES = [
    route(f"{PATH}.csv", LISTING.export, roles=ADMINISTRATORS),
    route(PATH, LISTING.show, begin, roles=ADMINISTRATORS),
    route(f"{PATH}/{{campaign_id}}.csv", export, roles=ADMINISTRATORS),
    route(f"{PATH}/{{campaign_id}}", show, roles=ADMINISTRATORS),
]
