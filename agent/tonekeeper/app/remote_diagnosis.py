"""A diagnosis by the agent that runs here already: it has the history, the permissions and the ports."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from http import HTTPStatus

import msgspec

from tonekeeper.core.examination import Examination, ExaminationState
from tonekeeper.core.report import CheckReport, Report
from tonekeeper.errors import AgentUnreachableError
from tonekeeper.faces.cli.diagnose import Diagnose, DiagnosisAnswer
from tonekeeper.faces.cli.fetch import ask_agent
from tonekeeper.faces.cli.status import DEFAULT_URL
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.cli.trust import SYSTEM_TRUST, Trust
from tonekeeper.settings import Settings
from tonekeeper.settings.model import HttpSettings

RESOURCE = "/api/v1/diagnose"
ASKED_EVERY = 0.5
"""Seconds."""


@dataclass(frozen=True, slots=True)
class RunningAgent:
    url: str
    token_file: str
    trust: Trust = SYSTEM_TRUST

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        status, _, content = ask_agent(self.url, self.token_file, method, path, body, trust=self.trust)
        return status, content

    def report(self) -> Report:
        status, content = self.ask("GET", "/api/v1/status")
        if status != HTTPStatus.OK:
            raise AgentUnreachableError(f"cannot get the report of the agent at {self.url}: {_sentence(content)}")
        return msgspec.json.decode(content, type=Report)

    def examination(self, method: str, body: bytes | None = None) -> Examination:
        """AgentUnreachableError with the agent's own words where it refuses; one that is under way is joined."""
        status, content = self.ask(method, RESOURCE, body)
        if status == HTTPStatus.CONFLICT:
            return self.examination("GET")
        if status not in (HTTPStatus.OK, HTTPStatus.ACCEPTED):
            raise AgentUnreachableError(f"cannot have the agent at {self.url} look: {_sentence(content)}")
        return msgspec.json.decode(content, type=Examination)


def find_agent(command: Diagnose, settings: Settings | None) -> RunningAgent | None:
    """The one that was named; else the one that watches the same site here, if it answers."""
    if command.url:
        return RunningAgent(command.url, command.token_file, command.trust)
    if command.alone or command.uris or (settings is not None and settings.http is None):
        return None
    http = settings.http if settings is not None else None
    agent = RunningAgent(DEFAULT_URL, command.token_file, command.trust) if http is None else _local(command, http)
    try:
        agent.examination("GET")
        is_other = settings is not None and agent.report().agent.name != settings.site.name
    except (AgentUnreachableError, msgspec.MsgspecError):
        return None
    return None if is_other else agent


def _local(command: Diagnose, http: HttpSettings) -> RunningAgent:
    """The agent that these settings are of: at this host, so it is known by its very certificate."""
    token_file = command.token_file or (str(http.token_file) if http.token_file else "")
    if http.tls_cert is None:
        return RunningAgent(f"http://{http.listen}", token_file)
    trust = (
        command.trust if command.trust.ca_file else replace(command.trust, ca_file=str(http.tls_cert), is_pinned=True)
    )
    return RunningAgent(f"https://{http.listen}", token_file, trust)


def follow(agent: RunningAgent, command: Diagnose, terminal: Terminal) -> DiagnosisAnswer:
    """Have it look, and show how far it has come. Ctrl-C stops it there, too."""
    question = {"quick": command.quick, "only": list(command.only)}
    examination = agent.examination("POST", msgspec.json.encode(question))
    with ExitStack() as stack:
        show = _display(terminal, stack)
        try:
            while examination.state is ExaminationState.RUNNING:
                show(examination)
                time.sleep(ASKED_EVERY)
                examination = agent.examination("GET")
        except KeyboardInterrupt:
            examination = agent.examination("DELETE")
    notes = (f"the agent at {agent.url} looked, with what it knew before",)
    return DiagnosisAnswer(with_checks(agent.report(), examination), examination, notes)


def _display(terminal: Terminal, stack: ExitStack) -> Callable[[Examination], None]:
    if not terminal.wants_progress:
        return lambda examination: None
    from tonekeeper.faces.cli.diagnosis_display import DiagnosisDisplay

    return stack.enter_context(DiagnosisDisplay("Ctrl-C: end with what is known")).show


def with_checks(report: Report, examination: Examination) -> Report:
    """The report, with everything that the diagnosis looked at in it."""
    told = {one.check: one for one in report.checks}
    told |= {one.check: CheckReport(one.check, one.outcome, one.detail, 0.0) for one in examination.checks}
    return replace(report, checks=tuple(told.values()))


def _sentence(content: bytes) -> str:
    return content.decode("utf-8", "replace").strip()[:200]
