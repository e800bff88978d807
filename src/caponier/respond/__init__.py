"""Findings to incidents to response actions: pure functions over records, without a store and without a clock.

`correlate` joins findings and context into incidents, `stage` moves an incident on, `playbook` says which response
actions fit, `plan` makes them for one incident, and `dry_run` counts what each would have stopped in a log.
"""
