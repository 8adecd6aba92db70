"""What may become this box's content, by its manifest and its users (D14, R7, R40, R48)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from emulator.appliance.archive import Manifest
from emulator.appliance.archive_reader import REMEDY
from emulator.appliance.entities import Entity
from emulator.appliance.records import Facts, instant
from emulator.appliance.refusal import Refusal

CLOCK_SKEW = timedelta(days=1)  # a wrong time zone is no reason to lose a backup


def require_past(manifest: Manifest, now: datetime) -> None:
    """Refuse what was taken in the future: its age would tell nothing (F8), for years.

    Raises:
        Refusal: `clock`.
    """
    if datetime.fromisoformat(manifest.taken_at) > now + CLOCK_SKEW:
        raise Refusal(
            "clock",
            f"the backup was taken at {manifest.taken_at[:20]}, here it is {instant(now)}",
            "set the clocks of both appliances, then export again",
        )


def require_administrator(entities: Sequence[Entity]) -> None:
    """Refuse what nobody could log in to any more: no click would ever come (R48)."""
    users = (one.body for one in entities if one.kind == "users")
    if not any("administrator" in one["permissions"] and one.get("password") for one in users):
        raise Refusal(
            "not-a-backup", "nobody in this backup is an administrator with a password", REMEDY
        )


def require_exportable(entities: Sequence[Entity]) -> None:
    """Refuse to export what no appliance would take, as after a damage.

    Raises:
        Refusal: `no-administrator`.
    """
    try:
        require_administrator(entities)
    except Refusal as error:
        raise Refusal(
            "no-administrator",
            "nobody on this appliance is an administrator with a password: its content is lost",
            "restore a backup first",
        ) from error


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


def admit_complete(manifest: Manifest) -> None:
    """Refuse a partial backup where the whole content is to be replaced.

    Raises:
        Refusal: `partial`.
    """
    if not manifest.complete:
        raise Refusal(
            "partial",
            f"the backup holds only: {', '.join(manifest.contents)}",
            "take a complete backup, with all content choices",
        )


def admit_partial(facts: Facts, manifest: Manifest) -> None:
    """Refuse a partial backup that does not fit what is here already.

    On a standby the content is a copy of one generation and nothing else; elsewhere the parts
    must be of one lineage.

    Raises:
        Refusal: `partial`.
    """
    own = facts.lineage
    if facts.is_standby or (manifest.epoch, manifest.holder) != (own.epoch, own.holder):
        raise Refusal(
            "partial",
            f"the backup holds only: {', '.join(manifest.contents)}, and what it leaves out"
            f" would not be of the same appliance on {facts.name}",
            "take a complete backup, with all content choices",
        )


def admit_transfer(facts: Facts, manifest: Manifest) -> None:
    """Refuse what a run must not bring to this box: it is the active, or further (D14)."""
    admit_lineage(facts, manifest)
    admit_complete(manifest)
    if facts.holds_epoch:
        raise Refusal("not-standby", "this appliance is the current active (D14)")


def admit_upload(facts: Facts, manifest: Manifest) -> None:
    """Refuse what must not become a standby's first content (R40 to R44)."""
    admit_lineage(facts, manifest)
    admit_complete(manifest)
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
