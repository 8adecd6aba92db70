"""The scenario language: what a drill does and what must be seen.

One verb a step; the order is the time. Appliances are named by identity (`pbx1` was the
active at first, `pbx2` the standby); changes and faults are named so that expectations and
`heal` can speak of them. Every number has its unit, every fault's time its clock.
"""
