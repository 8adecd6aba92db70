"""An import that is killed, or finds no room, leaves all of the old state or all of the new."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.appliance.linux.disk import LinuxDisk


class PowerCut(BaseException):
    """Kills the program at one call of the disk."""


class FailingDisk:
    """A disk whose n-th change kills the program; commits count before and after."""

    def __init__(self, disk: LinuxDisk, fatal: int) -> None:
        self._disk = disk
        self.fatal = fatal
        self.armed = False
        self.count = 0

    def step(self) -> None:
        if self.armed:
            self.count += 1
            if self.count == self.fatal:
                raise PowerCut

    def __getattr__(self, name):
        return getattr(self._disk, name)

    def create(self, path, mode=0o600):
        self.step()
        return FailingFile(self._disk.create(path, mode), self)

    def rename(self, old, new):
        self.step()
        self._disk.rename(old, new)
        self.step()

    def unlink(self, path):
        self.step()
        self._disk.unlink(path)

    def sync_dir(self, path):
        self.step()
        self._disk.sync_dir(path)

    def database(self, path):
        self.step()
        return FailingDatabase(self._disk.database(path), self)


class FailingFile:
    def __init__(self, file, disk: FailingDisk) -> None:
        self._file = file
        self._disk = disk

    def write(self, data):
        self._disk.step()
        return self._file.write(data)

    def sync(self):
        self._disk.step()
        self._file.sync()

    def close(self):
        self._file.close()


class FailingDatabase:
    def __init__(self, database, disk: FailingDisk) -> None:
        self._database = database
        self._disk = disk

    def read(self, sql, values=()):
        return self._database.read(sql, values)

    def transaction(self):
        return FailingTransaction(self._database.transaction(), self._disk)

    def close(self):
        self._database.close()


class FailingTransaction:
    def __init__(self, transaction, disk: FailingDisk) -> None:
        self._transaction = transaction
        self._disk = disk

    def __enter__(self):
        self._disk.step()
        return self._transaction.__enter__()

    def __exit__(self, *error):
        self._transaction.__exit__(*error)
        if error[0] is None:
            self._disk.step()


@pytest.mark.covers("D8", "I1")
def test_import_killed_at_any_step_leaves_all_old_or_all_new(bench, sending):
    active, fresh = bench.pair()
    made = sending(active, fresh, "1.1.1")
    old = fresh.run("content", "digest")["objects"]
    new = active.run("content", "digest")["objects"]
    fresh.appliance.shutdown()
    start = bench.root / "pbx2"
    outcomes = []
    fatal = 0
    while not outcomes or outcomes[-1] != "finished":
        fatal += 1
        name = f"victim{fatal}"
        copy(start, bench.root / name)
        disk = FailingDisk(LinuxDisk(bench.root / name), fatal)
        victim = bench.boot(name, disk)
        disk.armed = True
        try:
            victim.run("import", "1.1.1", "--file", made["file"])
        except PowerCut:
            outcomes.append(inspect_survivor(bench, name, old, new))
        else:
            outcomes.append("finished")
    assert outcomes[0] == "clean-old"
    assert outcomes == sorted(
        outcomes,
        key=["clean-old", "import-lost", "import-completed", "clean-new", "finished"].index,
    )
    assert {"import-lost", "import-completed"} <= set(outcomes)


def inspect_survivor(bench, name, old, new) -> str:
    """Boot what is left; it must be whole, name its outcome and hold no remains."""
    survivor = bench.boot(name)
    (outcome, _), *_ = survivor.box.happened("booted")
    objects = survivor.run("content", "digest")["objects"]
    assert objects in (old, new)
    status = survivor.run("status")
    assert (status["origin"] is not None) == (objects == new)
    if outcome != "clean":
        assert (outcome == "import-completed") == (objects == new)
    databases = [file for file in survivor.box.disk.list("content") if file.endswith(".db")]
    assert len(databases) == 1
    survivor.appliance.shutdown()
    if outcome == "clean":
        return "clean-new" if objects == new else "clean-old"
    return outcome


def copy(source: Path, target: Path) -> None:
    for file in source.rglob("*"):
        if file.is_file():
            (target / file.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            (target / file.relative_to(source)).write_bytes(file.read_bytes())


def test_disk_full_while_receiving_keeps_the_old_state_and_frees_the_space(bench, packing):
    class FullFile(FailingFile):
        def write(self, data):
            if len(data) > 10_000:
                raise OSError(28, "No space left on device")
            return super().write(data)

    class FullDisk(FailingDisk):
        def create(self, path, mode=0o600):
            file = self._disk.create(path, mode)
            return FullFile(file, self) if path.startswith("blobs/") else file

    active, standby = bench.pair()
    shipment = packing(active, standby, "1.1.1")
    standby.appliance.shutdown()
    full = bench.boot("pbx2", FullDisk(LinuxDisk(bench.root / "pbx2"), 0))
    assert full.refusal(*shipment.argv("1.1.1"), stdin=shipment.data) == "disk-full"
    assert [one for one in (bench.root / "pbx2" / "blobs").rglob("*") if one.is_file()] == []
    assert full.run("status")["origin"] is None
