"""The coverage map: in which state of the engine which fault has acted, over stored runs.

A *cell* is a state of one of the engine's machines and a fault verb of the language. It is
exercised by a drill in which the fault acted while the machine was in that state, and in which
an invariant that judges this machine was applicable. `states` follows the machines through a
history, `cells` says which cells there are, `mapping` puts runs on the map.
"""
