"""Cause codes in words, for the mails: what happened, and what to do (D5); German and English.

A code without a sentence of its own speaks for itself; `tests/redundancy/test_notices.py`
holds that every code that the engine can report has one, in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

Language = Literal["de", "en"]

_SENTENCES: Mapping[Language, Mapping[str, str]] = {
    "de": {
        "connection-lost": "Die Verbindung zur Standby-Anlage kam nicht zustande oder brach ab.",
        "authentication-failed": "Die Standby-Anlage lehnt Benutzername oder Passwort ab.",
        "host-key-changed": "Die Standby-Anlage zeigt einen anderen SSH-Schlüssel als bestätigt.",
        "stalled": "Die Übertragung kam nicht mehr voran.",
        "checksum": "Die Sicherung kam verändert an und wurde verworfen.",
        "disk-full": "Der Speicher der Anlage ist voll.",
        "not-imported": "Die Standby-Anlage meldete Erfolg, hat die Sicherung aber nicht.",
        "restarted": "Die Anlage wurde während des Versuchs neu gestartet.",
        "indefinite": "Die Verbindung brach ab, während die Standby-Anlage einspielte.",
        "definite": "Der Vorgang schlug fehl.",
        "fenced": "Ein neuerer Versuch hat diesen abgelöst.",
        "busy": "Auf der Anlage lief bereits ein anderer Vorgang.",
        "no-such-file": "Die Sicherung ist nicht mehr vorhanden.",
        "not-a-backup": "Die Datei ist keine Sicherung einer Anlage.",
        "not-standby": "Die Gegenstelle ist keine Standby-Anlage.",
        "version": "Die Sicherung passt nicht zur Version der Standby-Anlage.",
        "disk-error": "Der Speicher der Anlage kann nicht gelesen oder beschrieben werden.",
        "clock": "Die Sicherung stammt aus der Zukunft: eine der Uhren geht falsch.",
        "damaged": "Eine Datei auf dem Speicher der Anlage ist beschädigt.",
        "epoch": "Diese Anlage ist nicht mehr die aktive.",
        "backup-hangs": "Eine laufende Sicherung dieser Anlage wurde nicht fertig.",
        "backup-missing": "Der Sicherungsauftrag hat noch keine Sicherung geschrieben.",
        "backup-stale": "Die neueste Sicherung des Sicherungsauftrags ist zu alt.",
        "backup-outdated": "Die Standby-Anlage hat bereits neuere Daten.",
        "cloud-appliance": "Redundanz braucht eine Hardware-Anlage oder VM, keine Cloud-Anlage.",
        "version-mismatch": "Die beiden Anlagen haben verschiedene Versionen.",
        "address-not-static": "Die Anlage bezieht ihre IPv4-Adresse per DHCP.",
        "same-address": "Beide Anlagen sind mit derselben IPv4-Adresse eingerichtet.",
        "different-subnet": "Die Anlagen stehen nicht im selben IP-Subnetz.",
        "licence-on-both": "Eine Lizenz ist auf beiden Anlagen eingespielt.",
        "too-few-user-licences": "Die Benutzerlizenzen der Standby-Anlage reichen nicht.",
        "module-licence-missing": "Eine Modullizenz fehlt.",
        "server-licence-missing": "Die Serverlizenz fehlt.",
        "active-answers": "Die Adresse der aktiven Anlage wird noch benutzt.",
        "never-initialised": "Diese Anlage hat noch nie Daten der aktiven erhalten.",
        "lan-unusable": "Diese Anlage hat keine Verbindung zum LAN.",
        "interrupted": "Die Umschaltung wurde unterbrochen, bevor etwas geändert war.",
    },
    "en": {
        "connection-lost": "The connection to the standby was refused or broke off.",
        "authentication-failed": "The standby does not accept the user name or the password.",
        "host-key-changed": "The standby shows another SSH key than the confirmed one.",
        "stalled": "The transfer made no progress any more.",
        "checksum": "The backup arrived changed and was discarded.",
        "disk-full": "The appliance's disk is full.",
        "not-imported": "The standby reported success, but does not hold the backup.",
        "restarted": "The appliance was restarted during the attempt.",
        "indefinite": "The connection broke off while the standby was importing.",
        "definite": "The operation failed.",
        "fenced": "A newer attempt has taken over.",
        "busy": "Something else was under way on the appliance.",
        "no-such-file": "The backup is not there any more.",
        "not-a-backup": "The file is no backup of an appliance.",
        "not-standby": "The other side is no standby.",
        "version": "The backup does not fit the standby's version.",
        "disk-error": "The appliance's disk cannot be read or written.",
        "clock": "The backup comes from the future: one of the clocks is wrong.",
        "damaged": "A file on the appliance's disk is damaged.",
        "epoch": "This appliance is not the active any more.",
        "backup-hangs": "A backup that this appliance was writing did not finish.",
        "backup-missing": "The backup job has not written a backup yet.",
        "backup-stale": "The newest backup of the backup job is too old.",
        "backup-outdated": "The standby holds newer data already.",
        "cloud-appliance": "Redundancy needs hardware or a VM, not a cloud appliance.",
        "version-mismatch": "The two appliances have different versions.",
        "address-not-static": "The appliance gets its IPv4 address by DHCP.",
        "same-address": "Both appliances are configured with the same IPv4 address.",
        "different-subnet": "The appliances are not in the same IP subnet.",
        "licence-on-both": "A licence is installed on both appliances.",
        "too-few-user-licences": "The user licences of the standby do not suffice.",
        "module-licence-missing": "A module licence is missing.",
        "server-licence-missing": "The server licence is missing.",
        "active-answers": "The address of the active appliance is still in use.",
        "never-initialised": "This appliance has never received data of the active.",
        "lan-unusable": "This appliance has no link to the LAN.",
        "interrupted": "The switchover was interrupted before anything had changed.",
    },
}

_REMEDIES: Mapping[Language, Mapping[str, str]] = {
    "de": {
        "authentication-failed": "Passwort in den Standby-Einstellungen prüfen und neu speichern.",
        "host-key-changed": "Schlüssel der Standby-Anlage prüfen, dann die Standby-Einstellungen "
        "öffnen, den neuen Fingerabdruck bestätigen und speichern.",
        "disk-full": "Alte Sicherungen entfernen oder den Speicher vergrößern.",
        "disk-error": "Den Speicher der genannten Anlage prüfen.",
        "clock": "Die Uhren beider Anlagen stellen.",
        "damaged": "Die genannte Datei aus einer Sicherung wiederherstellen und den "
        "Speicher prüfen.",
        "epoch": "Zuerst den Rollback ausführen.",
        "backup-hangs": "Den laufenden Sicherungsauftrag ansehen und nötigenfalls beenden; der "
        "nächste Lauf beginnt nach Zeitplan.",
        "backup-missing": "Den Sicherungsauftrag prüfen, oder jeden Lauf selbst sichern lassen.",
        "backup-stale": "Den Sicherungsauftrag prüfen, oder jeden Lauf selbst sichern lassen.",
        "backup-outdated": "Die nächste Sicherung des Auftrags abwarten.",
        "cloud-appliance": "Das Paar aus Hardware-Anlagen oder VMs bilden.",
        "version-mismatch": "Beide Anlagen auf dieselbe Version bringen.",
        "address-not-static": "Der Anlage eine statische IPv4-Adresse geben.",
        "same-address": "Der Standby-Anlage eine eigene Adresse geben.",
        "different-subnet": "Beide Anlagen in dasselbe IP-Subnetz stellen.",
        "licence-on-both": "Auf der Standby-Anlage das Redundanz-Gegenstück dieser Lizenz "
        "einspielen.",
        "too-few-user-licences": "Weitere Redundanz-Benutzerlizenzen auf der Standby-Anlage "
        "einspielen.",
        "module-licence-missing": "Die Modullizenz auf der genannten Anlage einspielen.",
        "server-licence-missing": "Die Serverlizenz auf der genannten Anlage einspielen.",
        "active-answers": "Die aktive Anlage oder das genannte Gerät ausschalten oder vom Netz "
        "trennen, dann noch einmal umschalten.",
        "never-initialised": "Eine Sicherung der aktiven Anlage im Reiter Standby-Import "
        "hochladen.",
        "lan-unusable": "Netzwerkkabel und Anschluss dieser Anlage prüfen.",
        "not-standby": "An der Standby-Anlage anmelden und dort umschalten.",
        "interrupted": "Noch einmal umschalten.",
    },
    "en": {
        "authentication-failed": "Check the password in the standby settings and save again.",
        "host-key-changed": "Check the standby's key, then open the standby settings, confirm "
        "the new fingerprint and save.",
        "disk-full": "Remove old backups or enlarge the disk.",
        "disk-error": "Check the disk of the appliance that is named.",
        "clock": "Set the clocks of both appliances.",
        "damaged": "Restore the file that is named from a backup, and check the disk.",
        "epoch": "Do the rollback first.",
        "backup-hangs": "Look at the backup job that is running and end it if need be; the next "
        "run starts as scheduled.",
        "backup-missing": "Check the backup job, or let each run export its own backup.",
        "backup-stale": "Check the backup job, or let each run export its own backup.",
        "backup-outdated": "Wait for the job's next backup.",
        "cloud-appliance": "Run the pair on hardware appliances or VMs.",
        "version-mismatch": "Update both appliances to the same version.",
        "address-not-static": "Give the appliance a static IPv4 address.",
        "same-address": "Give the standby an address of its own.",
        "different-subnet": "Put both appliances into the same IP subnet.",
        "licence-on-both": "Install the redundancy counterpart of this licence on the standby.",
        "too-few-user-licences": "Install more redundancy user licences on the standby.",
        "module-licence-missing": "Install the module licence on the appliance that is named.",
        "server-licence-missing": "Install the server licence on the appliance that is named.",
        "active-answers": "Switch the active appliance or the named device off, or unplug it, "
        "then switch over again.",
        "never-initialised": "Upload a backup of the active in the tab Standby-Import.",
        "lan-unusable": "Check the network cable and port of this appliance.",
        "not-standby": "Log in to the standby and switch over there.",
        "interrupted": "Switch over again.",
    },
}

_OTHERWISE: Mapping[Language, str] = {
    "de": "Netz und Standby-Anlage prüfen; der nächste Lauf beginnt nach Zeitplan.",
    "en": "Check the network and the standby; the next run starts as scheduled.",
}

_REASONS: Mapping[Language, Mapping[str, str]] = {
    "de": {"address": "Betroffene Adresse: {}", "mac": "Es antwortet das Gerät mit der MAC {}."},
    "en": {"address": "Address: {}", "mac": "The device with the MAC {} answers."},
}


def sentence(code: str, language: Language) -> str:
    """Return a sentence for a cause code; an unknown code speaks for itself."""
    return _SENTENCES[language].get(code, code)


def known_remedy(code: str, language: Language) -> str:
    """Return what to do about a cause, "" where nothing special is known."""
    return _REMEDIES[language].get(code, "")


def remedy(code: str, language: Language) -> str:
    """Return what to do about a cause."""
    return known_remedy(code, language) or _OTHERWISE[language]


def reason(name: str, value: str, language: Language) -> str:
    """Return a sentence for one reason of a refusal, as the machine gives it."""
    if name == "code":
        return sentence(value, language)
    return _REASONS[language].get(name, "{}").format(value)
