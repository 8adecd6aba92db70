"""The crash sweep: a drill, ended at every instant at which that could matter.

One undisturbed drill runs in simulation. At each operation on a node's disk, and before and
after each named step, the process forks: the child's node loses its power (or its processes)
there, comes back, and the drill goes on to its end and is judged; the parent's goes on as if
nothing had been. So nothing is run twice, and each crash has everything behind it that
happened before. `cells` names the crashes, `crashing` makes them, `enduring` is the person
who goes on afterwards, `judging` the judge, `branching` the forks, `sweeping` all together.
"""
