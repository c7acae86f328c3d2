"""Whom an address stands for, and how far apart guesses are answered. Pure."""

from ipaddress import ip_address, ip_network

#: So many wrong guesses cost no time; each further one puts the next half a second off, up to the setting.
FREE, STEP_S = 10, 0.5


def source(address: str) -> str:
    """What stands for one client: its IPv4 address, or the /64 network that a single IPv6 client owns whole."""
    try:
        ip = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip) if ip.version == 4 else str(ip_network((ip, 64), strict=False))


def network(address: str) -> str:
    """What one stranger easily has many addresses of: the /24 of an IPv4 source, the /48 of an IPv6 one."""
    try:
        ip = ip_network(address, strict=False)
    except ValueError:
        return address
    return str(ip.supernet(new_prefix=24 if ip.version == 4 else 48))


def apart_s(wrong: int, longest_s: float) -> float:
    """Seconds to the next guess after so many wrong ones."""
    return min(longest_s, max(0, wrong - FREE) * STEP_S)
