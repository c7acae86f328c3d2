"""The desk's pages, under /agent, one module a rubric."""

from web.pages.agent import (
    activity_rules,
    calendar,
    catalogue,
    change_requests,
    dead_letters,
    desk_log,
    desk_notices,
    documents,
    dossier_requests,
    dossiers,
    holiday_weeks,
    home,
    letters,
    link_requests,
    programs,
    staff,
)

ROUTES = [
    *home.ROUTES,
    *dossiers.ROUTES,
    *link_requests.ROUTES,
    *dossier_requests.ROUTES,
    *letters.ROUTES,
    *documents.ROUTES,
    *change_requests.ROUTES,
    *desk_notices.ROUTES,
    *catalogue.ROUTES,
    *holiday_weeks.ROUTES,
    *activity_rules.ROUTES,
    *calendar.ROUTES,
    *staff.ROUTES,
    *programs.ROUTES,
    *dead_letters.ROUTES,
    *desk_log.ROUTES,
]
