"""The commands of `appliancectl`: one table from argv to handlers."""
