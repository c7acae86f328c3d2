"""The desk's pages, under /agent, one module a rubric."""

from web.pages.agent import dossiers, home

ROUTES = [*home.ROUTES, *dossiers.ROUTES]
