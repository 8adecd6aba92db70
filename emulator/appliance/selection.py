"""What a backup contains: core data, call records and voicemail, announcements.

A backup that holds all three is *complete*. Only a complete one can become the content of
another appliance; a partial one brings back what it holds, and the rest stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from emulator.appliance.entities import Entity
from emulator.appliance.kinds import CONTENTS

Selection = tuple[str, ...]

COMPLETE: Selection = CONTENTS
CORE, CALLS, ANNOUNCEMENTS = COMPLETE

# What is named neither here nor below is core data.
KINDS: Mapping[str, str] = {
    "callrecords": CALLS,
    "voicemails": CALLS,
    "announcements": ANNOUNCEMENTS,
    "music": ANNOUNCEMENTS,
}
FOLDERS: Mapping[str, str] = {
    "voicemail": CALLS,
    "announcements": ANNOUNCEMENTS,
    "music": ANNOUNCEMENTS,
}


def choice_of(entity: Entity) -> str:
    """Return which of the choices an entity belongs to; a file's is that of its folder."""
    if entity.kind == "files":
        return FOLDERS.get(str(entity.body["path"]).partition("/")[0], CORE)
    return KINDS.get(entity.kind, CORE)


def select(entities: Iterable[Entity], selection: Sequence[str]) -> list[Entity]:
    """Return the entities that a selection covers, in their order."""
    return [one for one in entities if choice_of(one) in selection]


def completed(
    brought: Sequence[Entity], selection: Sequence[str], present: Iterable[Entity]
) -> list[Entity]:
    """Return what a partial backup brings, and what is here of what it leaves out."""
    names = {(one.kind, one.id) for one in brought}
    left_out = [one for one in COMPLETE if one not in selection]
    kept = (one for one in select(present, left_out) if (one.kind, one.id) not in names)
    return [*brought, *kept]


def parse(words: Iterable[object]) -> Selection:
    """Read a selection, in the order of `COMPLETE`.

    Raises:
        ValueError: it is empty, names something twice, or something unknown.
    """
    wanted = list(words)
    if not wanted or len(set(map(str, wanted))) != len(wanted) or not {*wanted} <= {*COMPLETE}:
        raise ValueError(f"a backup contains some of: {', '.join(COMPLETE)}")
    return tuple(one for one in COMPLETE if one in wanted)
