"""Paying online: PayFiP asked to open a payment, and asked until its end is known."""
