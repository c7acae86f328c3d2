"""The invoices of bookings: opened, replaced, corrected, and lapsed where nobody paid."""
