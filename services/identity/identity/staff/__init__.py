"""The town's staff: their accounts, opened and changed by an administrator, and the link by which each takes theirs."""
