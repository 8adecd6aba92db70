"""The appliance's pages: a frame with login and navigation, in which modules place their tabs."""
