"""Drills that a seed draws: thousands of them, replayed, shrunk, anywhere.

`drawing` makes a plan of a seed, and a plan is an ordinary scenario; `trying` runs one in
memory and says how it failed; `campaign` does that by the thousand and remembers (`store`);
`shrinking` makes a failing plan small; `reach` tells which rare states were seen at all.
"""
