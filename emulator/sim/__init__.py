"""The backend `sim`: LAN, disk and time in one process, deterministic to the byte.

The appliance program and the engine run here as they are: what is a thread on Linux is
a greenlet here (`world`), what is a disk, a LAN port, SSH or SMTP there is a small model
that keeps what matters to drills: who answers, what survives, and when.
"""
