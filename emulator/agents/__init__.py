"""Observer, phones, mail sink and switch: one program beside the bridge, a namespace a station.

Every station has a network namespace, MAC and address of its own and is reached by the
LAN alone; orders come over a Unix socket, apart from the LAN.
"""
