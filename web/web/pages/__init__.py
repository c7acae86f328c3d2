"""Every page, one module a rubric: thin routes between the API and the templates."""

from web.pages import accounts, deadlines, home, information

ROUTES = [*home.ROUTES, *accounts.ROUTES, *deadlines.ROUTES, *information.ROUTES]
