"""The real world behind `redundancy.ports`: SSH, raw ARP, the local appliance, the disk."""
