"""What the system promises of its speed: ratios, both sides measured in one run on one machine.

`make bench`, or `python -m tests.lab.bench hop hold` for some rows. docs/benchmarks.md keeps what was measured.
"""
