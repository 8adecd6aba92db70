"""What may become this box's content, by its manifest and its users (D14, R7, R40, R48)."""

from __future__ import annotations

from collections.abc import Sequence

from emulator.appliance.archive import Manifest
from emulator.appliance.archive_reader import REMEDY
from emulator.appliance.entities import Entity
from emulator.appliance.records import Facts
from emulator.appliance.refusal import Refusal


def require_administrator(entities: Sequence[Entity]) -> None:
    """Refuse what nobody could log in to any more: no click would ever come (R48)."""
    users = (one.body for one in entities if one.kind == "users")
    if not any("administrator" in one["permissions"] and one.get("password") for one in users):
        raise Refusal(
            "not-a-backup", "nobody in this backup is an administrator with a password", REMEDY
        )


def admit_lineage(facts: Facts, manifest: Manifest) -> None:
    """Refuse a backup of another version or of a lower epoch (R7, D14).

    Raises:
        Refusal: `version`, `epoch`.
    """
    if manifest.version != facts.version:
        raise Refusal(
            "version",
            f"the backup is of version {manifest.version[:20]}, "
            f"this appliance runs {facts.version} (R7)",
            "update both appliances to the same version, then export again",
        )
    if manifest.epoch < facts.lineage.epoch:
        raise Refusal(
            "epoch",
            f"the backup is of epoch {manifest.epoch}, "
            f"this appliance is in {facts.lineage.epoch} (D14)",
            "take a backup of the current active",
        )


def admit_transfer(facts: Facts, manifest: Manifest) -> None:
    """Refuse what a run must not bring to this box: it is the active, or further (D14)."""
    admit_lineage(facts, manifest)
    if facts.holds_epoch:
        raise Refusal("not-standby", "this appliance is the current active (D14)")


def admit_upload(facts: Facts, manifest: Manifest) -> None:
    """Refuse what must not become a standby's first content (R40 to R44)."""
    admit_lineage(facts, manifest)
    if manifest.holder == facts.server_key:
        raise Refusal(
            "not-standby",
            "the backup is this appliance's own",
            "on the active nothing is to be done in this tab (R40)",
        )
    if facts.holds_epoch and manifest.epoch == facts.lineage.epoch:
        raise Refusal(
            "not-standby", "this appliance is the current active (D14)", "switch the roles first"
        )
