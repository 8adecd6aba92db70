"""The telephones of a drill: called, awaited, restarted."""

from __future__ import annotations

from datetime import timedelta

from emulator.telephones import Telephone
from scenarios.calling import PACKETS_PER_S, PATIENCE_S, telephone
from scenarios.drill import Drill
from scenarios.models.telephones import (
    Arrivals,
    AwaitPhones,
    CallStep,
    Conversation,
    RestartPhones,
)
from scenarios.verdict import Verdict

HEARD_S = 0.5  # so much audio shows that a call works
MAIL_LIMIT = timedelta(minutes=30)  # on the Calendar, until the mail has come that asks for it
LOOK_S = 0.25


def carry_out(step: CallStep | AwaitPhones | RestartPhones, drill: Drill) -> str:
    """Carry out a step with telephones; what is said of it.

    Raises:
        LabError: there is no such telephone.
    """
    if isinstance(step, CallStep):
        return talk(drill, step.call)
    if isinstance(step, AwaitPhones):
        return await_phones(drill, step.await_phones)
    return restart_phones(drill, step.restart_phones)


def talk(drill: Drill, wanted: Conversation) -> str:
    """Let one telephone call another; what is said of it.

    Raises:
        LabError: there is no such telephone.
    """
    near, far = telephone(drill.lab, wanted.from_), telephone(drill.lab, wanted.to)
    call = near.dial(far.handset.extension, PATIENCE_S)
    packets = round(HEARD_S * PACKETS_PER_S)
    up = call.established_s is not None
    heard = up and all(one.hears(packets, PATIENCE_S) for one in (near, far))
    drill.lab.note(
        "call",
        "heard" if heard else "failed",
        caller=wanted.from_,
        callee=wanted.to,
        took_s=None if call.established_s is None else call.established_s - call.began_s,
        why=call.ended,
    )
    drill.lab.note(
        "expectation",
        (Verdict.PASSED if heard else Verdict.FAILED).value,
        text=f"{wanted.from_} and {wanted.to} hear each other: {'yes' if heard else 'no'}",
    )
    if up and wanted.hold == "no":
        near.hang_up()
    return "both heard each other" if heard else f"no call: {call.ended or 'nothing was heard'}"


def await_phones(drill: Drill, wanted: Arrivals) -> str:
    """Wait until telephones have had a good answer from an appliance; what is said of it."""
    lab = drill.lab
    mac = next(one.mac for one in lab.describe() if one.name == wanted.at)
    left = set(lab.telephones)
    if wanted.those_that_need_a_restart == "no":
        left -= set(needing_restart(drill, wanted.at))
    awaited, since_s = len(left), lab.wall_s()
    until_s = since_s + wanted.within.total_seconds()
    while left and lab.wall_s() < until_s:
        lab.pause(LOOK_S)
        left = {name for name in left if not _answered_by(lab.telephones[name], mac)}
    lab.note(
        "phones",
        "back" if not left else "away",
        at=wanted.at,
        awaited=awaited,
        away=sorted(left),
        took_s=lab.wall_s() - since_s,
    )
    text = f"{awaited - len(left)} of {awaited} telephones registered at {wanted.at}"
    verdict = Verdict.FAILED if left else Verdict.PASSED
    lab.note("expectation", verdict.value, text=text)
    return text


def _answered_by(phone: Telephone, mac: str) -> bool:
    """Return whether the newest good answer that a telephone got came from a MAC."""
    answers = phone.record().answers
    return bool(answers) and answers[-1][1] == mac


def needing_restart(drill: Drill, node: str) -> list[str]:
    """Return the telephones that must be restarted after a switchover, as an appliance says."""
    listed = drill.node(node).ctl(["phones", "list"])["phones"]
    wanted = {one["id"] for one in listed if one["needs_restart"]}
    return [name for name, one in drill.lab.telephones.items() if one.handset.account in wanted]


def restart_phones(drill: Drill, node: str) -> str:
    """Restart the telephones that need it, after their users' mails have come; what is said."""
    lab = drill.lab
    names = needing_restart(drill, node)
    users = {one["login"]: one["email"] for one in drill.node(node).ctl(["users", "list"])["users"]}
    asked = {users[lab.telephones[name].handset.extension] for name in names} - {"", None}

    def told() -> bool:
        return asked <= {to for mail in lab.mail.messages() for to in mail.recipients}

    came = lab.timekeeper.advance(lab.timekeeper.now() + MAIL_LIMIT, told)
    for name in names:
        lab.telephones[name].restart()
    verdict = Verdict.PASSED if came else Verdict.FAILED
    text = f"{len(asked)} users were asked by mail to restart: {'yes' if came else 'no'}"
    lab.note("expectation", verdict.value, text=text)
    lab.note("phones", "restarted", at=node, names=names)
    return f"restarted: {', '.join(names) or 'none'}"
