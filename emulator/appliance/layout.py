"""Where things stand below the state directory, for the appliance and for who furnishes it."""

FACTORY = "factory.json"
IDENTITY = "identity.db"
BLOBS = "blobs"


def blob_path(sha256: str) -> str:
    """Return where a file of the content stands."""
    return f"{BLOBS}/{sha256[:2]}/{sha256}"
