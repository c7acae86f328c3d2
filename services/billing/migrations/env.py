"""Billing's migrations run as chassis.migrations says."""

from chassis.migrations import run_env

run_env()
