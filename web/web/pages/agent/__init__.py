"""The desk's pages, under /agent, one module a rubric."""

from web.pages.agent import dead_letters, dossiers, home, link_requests

ROUTES = [*home.ROUTES, *dossiers.ROUTES, *link_requests.ROUTES, *dead_letters.ROUTES]
