"""The appliance: one program for every backend (docs/design.md, "The appliance")."""
