"""Drills: scenarios, checkers, the runner, reports and the command line."""
