"""What a stored run tells others: the drill report, JUnit XML, annotations, the coverage map.

Everything here reads a record and its judgements; nothing touches a lab.
"""
