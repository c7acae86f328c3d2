"""The gateway's own settings in a local stack."""

import json

from chassis.local import Addresses


def settings(stack: Addresses) -> dict[str, str]:
    return {"UPSTREAMS": json.dumps(stack.services), "TRUSTED_PROXIES": stack.pages_call_from}
