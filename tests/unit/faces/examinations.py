"""Diagnoses to render and to ask for, and somebody who runs none of them: a test says how far it has come."""

from __future__ import annotations

from dataclasses import replace

from tonekeeper.core.examination import NOT_BEGUN, CheckProgress, Examination, ExaminationState, Stage

CHECKS = (
    CheckProgress("wans", Stage.DONE, "ok", "2 of 2 WANs work", None),
    CheckProgress("dns", Stage.DONE, "problem", "192.0.2.53 does not answer", None),
    CheckProgress("nat", Stage.RUNNING, "", "an answer of stun.example.net:3478", 8.0),
    CheckProgress("dhcp", Stage.WAITING, "", "", None),
)


def running(*, quick: bool = True) -> Examination:
    return Examination(ExaminationState.RUNNING, quick, elapsed_s=4.0, left_s=11.0, checks=CHECKS, verdict="")


def done() -> Examination:
    nat = replace(CHECKS[2], stage=Stage.DONE, outcome="ok", detail="mapping endpoint-independent", left_s=None)
    dhcp = replace(CHECKS[3], stage=Stage.DONE, outcome="not checked", detail="needs root")
    verdict = "No DNS server answers over fibre."
    return Examination(ExaminationState.DONE, True, 12.4, None, (*CHECKS[:2], nat, dhcp), verdict)


class ScriptedDiagnoses:
    """Begins as `running`, and stays so until it is stopped or a test sets `now`."""

    def __init__(self) -> None:
        self.now = NOT_BEGUN
        self.begun: list[tuple[bool, tuple[str, ...]]] = []

    def begin(self, *, quick: bool, only: tuple[str, ...]) -> Examination | None:
        unknown = set(only) - {check.check for check in CHECKS}
        if unknown:
            raise ValueError(f"there is no check {', '.join(sorted(unknown))}")
        if self.now.state is ExaminationState.RUNNING:
            return None
        self.begun.append((quick, only))
        self.now = running(quick=quick)
        return self.now

    def progress(self) -> Examination:
        return self.now

    def stop(self) -> Examination:
        if self.now.state is ExaminationState.RUNNING:
            self.now = replace(
                self.now, state=ExaminationState.STOPPED, left_s=None, verdict="Stopped; no DNS answers."
            )
        return self.now
