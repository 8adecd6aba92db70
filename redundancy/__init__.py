"""The module "Redundanz": a warm standby for a telephone appliance.

It knows appliances only through their contract (`contract`) and the world only
through its ports (`ports`). Three pure machines decide (`run`, `switchover`,
`rollback`); the engine (`engine`) executes what they ask for.
"""
