"""Where money goes that is received, late, double or taken back; every way of paying shares it."""
