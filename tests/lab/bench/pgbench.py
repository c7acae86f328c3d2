"""The plain statements of the same work, run by PostgreSQL's own pgbench."""

import math
import re
import subprocess
from urllib.parse import urlsplit

from deploy.servers.packages import postgres_programs
from deploy.servers.processes import RunFolder

AS_THE_HOT_PATH = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan"


def rate(url: str, script: str, run: RunFolder, *, clients: int, seconds: float, first: int) -> float:
    """Transactions a second of `script` (pgbench's language), by prepared statements, from so many connections
    for so long: whole seconds, which is how pgbench counts.

    The script finds `:clients`, `:n` (0 at first, a client its own) and `:first`, from where this run numbers.
    """
    file = run.file("work.sql")
    file.write_text(script)
    parts = urlsplit(url)
    options = {"-M": "prepared", "-c": clients, "-j": 2, "-T": math.ceil(seconds), "-f": file}
    options |= {"-h": parts.hostname, "-p": parts.port, "-U": parts.username}
    variables = {"clients": clients, "n": 0, "first": first}
    done = subprocess.run(
        [str(postgres_programs() / "pgbench"), "--no-vacuum"]
        + [str(word) for option in options.items() for word in option]
        + [f"--define={name}={value}" for name, value in variables.items()]
        + [parts.path[1:]],
        env={"PGPASSWORD": str(parts.password), "PGOPTIONS": AS_THE_HOT_PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
    failed = re.search(r"number of failed transactions: (\d+)", done.stdout)
    if done.returncode or not found or (failed and int(failed[1])):
        raise RuntimeError(f"pgbench: {done.stdout}\n{done.stderr}\n{script}")
    return float(found[1])
