"""Every page, one module a rubric: thin routes between the API and the templates."""

from web.pages import accounts, deadlines, dossier, home, information, links, registration

ROUTES = [
    *home.ROUTES,
    *accounts.ROUTES,
    *dossier.ROUTES,
    *deadlines.ROUTES,
    *information.ROUTES,
    *links.ROUTES,
    *registration.ROUTES,
]
