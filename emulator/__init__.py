"""Emulated appliances, the LAN between them, and the backends that host them."""
