"""The pages' own settings in a local stack: a key of their own."""

from chassis.local import Addresses

from web.sealing import new_keys


def settings(stack: Addresses) -> dict[str, str]:
    return {
        "ORIGIN": stack.web,
        "GATEWAY_URL": stack.gateway,
        "SESSION_KEYS": new_keys(),
        "PAYFIP_ORIGIN": stack.payfip,
        "CALLS_FROM": stack.pages_call_from,
        "TRUSTED_PROXIES": "",
    }
