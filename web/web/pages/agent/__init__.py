"""The desk's pages, under /agent, one module a rubric."""

from web.pages.agent import home

ROUTES = [*home.ROUTES]
