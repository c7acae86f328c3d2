"""Every page, one module a rubric: thin routes between the API and the templates."""

from web.pages import (
    accounts,
    agent,
    bookings,
    deadlines,
    dossier,
    enrolments,
    home,
    information,
    invoices,
    links,
    messages,
    payments,
    planning,
    registration,
    reminders,
)

ROUTES = [
    *home.ROUTES,
    *accounts.ROUTES,
    *dossier.ROUTES,
    *enrolments.ROUTES,
    *bookings.ROUTES,
    *payments.ROUTES,
    *invoices.ROUTES,
    *reminders.ROUTES,
    *planning.ROUTES,
    *deadlines.ROUTES,
    *messages.ROUTES,
    *information.ROUTES,
    *links.ROUTES,
    *registration.ROUTES,
    *agent.ROUTES,
]
