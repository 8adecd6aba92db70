"""The appliance's machine on a real Linux kernel: disk, LAN port, SSH, mail."""
