"""The diagnoses of a running agent, loaded with the first one: most agents never make any."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tonekeeper.core.examination import NOT_BEGUN, Examination
from tonekeeper.core.report import Report

if TYPE_CHECKING:
    from tonekeeper.app.diagnosing import Diagnoses
    from tonekeeper.app.inquiries import Subject


class DiagnosesOnDemand:
    """As `Diagnoses`. `subject` and `report` are those of the agent."""

    def __init__(self, subject: Callable[[], Subject], report: Callable[[], Report]) -> None:
        self._subject = subject
        self._report = report
        self._diagnoses: Diagnoses | None = None

    def begin(self, *, quick: bool, only: tuple[str, ...]) -> Examination | None:
        from tonekeeper.app.diagnosing import Diagnoses
        from tonekeeper.app.inquiries import Inquiries

        self._diagnoses = self._diagnoses or Diagnoses(
            lambda quick, only: Inquiries(self._subject(), quick=quick).chosen(only), self._report
        )
        return self._diagnoses.begin(quick=quick, only=only)

    def progress(self) -> Examination:
        return self._diagnoses.progress() if self._diagnoses is not None else NOT_BEGUN

    def stop(self) -> Examination:
        return self._diagnoses.stop() if self._diagnoses is not None else NOT_BEGUN

    def close(self) -> None:
        if self._diagnoses is not None:
            self._diagnoses.close()
