"""`tonekeeper diagnose`: by the agent that runs here, or by one of our own that lives as long as the command."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from tonekeeper.app.daemon import Daemon
from tonekeeper.app.diagnosing import Diagnosis
from tonekeeper.app.inquiries import Inquiries
from tonekeeper.app.remote_diagnosis import find_agent, follow, with_checks
from tonekeeper.core.checks import Check
from tonekeeper.core.examination import Examination
from tonekeeper.core.site import Mode, Role, Wan
from tonekeeper.core.verdict import verdict_of
from tonekeeper.edge.bundle import write_bundle
from tonekeeper.edge.keyboard import Keyboard
from tonekeeper.edge.nat_kernel import kernel_timeouts
from tonekeeper.edge.steady_links import SteadyLinks
from tonekeeper.edge.whole_file import write_text
from tonekeeper.errors import AgentUnreachableError, ConfigError, EdgeError, Mistake
from tonekeeper.faces.cli.diagnose import Diagnose, DiagnosisAnswer, show_diagnosis
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.log import Log
from tonekeeper.settings import Settings, load_settings, parse_settings

CADENCE = 1.0
"""Seconds between two probes of a path: somebody waits, and loss needs to be counted."""
SHOWN_EVERY = 0.25
SKIP_KEY = "s"
SKIPPED = (Check.NAT, Check.SIP_ALG)
_NAMES = ("primary", "alternate")

Show = Callable[[Examination], None]


def diagnose(command: Diagnose, terminal: Terminal) -> Exit:
    settings = _settings(command)
    agent = find_agent(command, settings)
    if agent is not None:
        try:
            answer = follow(agent, command, terminal)
        except AgentUnreachableError as error:
            if command.url or settings is None:
                raise
            terminal.say(f"{error}; looking from here instead")
        else:
            return _hand_over(command, answer, settings, settings.state_dir if settings is not None else None, terminal)
    if settings is None:
        remedy = "name a configuration (-c FILE), or SBCs: tonekeeper diagnose sip:sbc.example.net"
        raise ConfigError("the command line", [Mistake("sbc", "", "none is named, and no agent runs here", remedy)])
    with _directory() as directory:
        answer = asyncio.run(_look(_harmless(settings, directory), command, terminal))
        return _hand_over(command, answer, settings, directory, terminal)


@contextmanager
def _directory() -> Iterator[Path]:
    """For the journal of a look."""
    try:
        made = tempfile.TemporaryDirectory(prefix="tonekeeper-diagnose-")
    except OSError as error:
        raise EdgeError(
            "make a temporary directory", error, remedy="name one that can be written with TMPDIR"
        ) from None
    with made as name:
        yield Path(name)


def _hand_over(
    command: Diagnose, answer: DiagnosisAnswer, settings: Settings | None, state_dir: Path | None, terminal: Terminal
) -> Exit:
    """The answer first: a file that cannot be written must not cost it."""
    outcome = show_diagnosis(command, answer, terminal)
    page = _page(answer, settings) if command.html or command.bundle else ""
    if command.html:
        write_text(Path(command.html), page)
        terminal.say(f"report: {command.html}")
    if command.bundle:
        from tonekeeper.app.evidence import gather

        name = f"tonekeeper-{answer.report.agent.name}"
        write_bundle(Path(command.bundle), name, gather(answer, page, settings, command.config, state_dir))
        terminal.say(f"evidence: {command.bundle}")
    return outcome


def _page(answer: DiagnosisAnswer, settings: Settings | None) -> str:
    """With the forecasts for the phones that were seen, where profiles are installed."""
    from tonekeeper.app.phone_forecasts import phone_forecasts
    from tonekeeper.app.profile_set import ProfilesRefusedError
    from tonekeeper.app.profiles import profiles_directory
    from tonekeeper.faces.html_report import render_html_report

    notes = list(answer.notes)
    forecasts = []
    try:
        if answer.report.phones:
            directory = profiles_directory(str(settings.profiles_dir) if settings is not None else "")
            forecasts = list(phone_forecasts(answer.report, directory))
    except ProfilesRefusedError as error:
        notes.append(f"no forecast for the phones: {error}")
    produced = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
    return render_html_report(answer.report, verdict_of(answer.report), produced, answer.examination, forecasts, notes)


def _settings(command: Diagnose) -> Settings | None:
    """Of the file, or of the SBCs that were named; None where neither is."""
    if command.config:
        return load_settings(Path(command.config))
    if not command.uris:
        return None
    role = Role.ROUTER if kernel_timeouts() is not None else Role.ENDPOINT
    lines = ["[agent]", 'name = "this-site"', f'role = "{role}"']
    for number, uri in enumerate(command.uris):
        name = _NAMES[number] if number < len(_NAMES) else f"alternate{number}"
        lines += ["[[sbc]]", f'name = "{name}"', f"uri = {json.dumps(uri)}"]
    return parse_settings("\n".join(lines), "the command line")


async def _look(settings: Settings, command: Diagnose, terminal: Terminal) -> DiagnosisAnswer:
    """By an agent that changes nothing, serves nobody, and whose journal goes with it."""
    links = None if sys.platform == "linux" else SteadyLinks
    daemon = Daemon(settings, Log(io.StringIO()), links=links)
    started = asyncio.Event()
    running = asyncio.create_task(daemon.run(started.set))
    beginning = asyncio.create_task(started.wait())
    await asyncio.wait((beginning, running), return_when=asyncio.FIRST_COMPLETED)
    beginning.cancel()
    if running.done():  # it could not begin, and raises why
        running.result()
    try:
        return await _examine(daemon, running, command, terminal)
    finally:
        daemon.stop()
        await running


def _harmless(settings: Settings, state_dir: Path) -> Settings:
    site = settings.site
    site = replace(
        site,
        failover=replace(site.failover, mode=Mode.OBSERVE),
        probe=replace(site.probe, interval=min(site.probe.interval, CADENCE)),
    )
    if sys.platform != "linux":  # its routes lead where they lead, and no interface can be named
        site = replace(site, wans=(Wan("this-host", ""),), role=Role.ENDPOINT)
    return replace(settings, site=site, state_dir=state_dir, http=None, snmp=None)


async def _examine(
    daemon: Daemon, running: asyncio.Task[Exit], command: Diagnose, terminal: Terminal
) -> DiagnosisAnswer:
    inquiries = Inquiries(daemon.subject(), quick=command.quick).chosen(command.only)
    diagnosis = Diagnosis(inquiries, daemon.report, quick=command.quick)
    work = asyncio.create_task(diagnosis.run())
    with ExitStack() as stack:
        show = _display(diagnosis, terminal, stack)
        while not work.done() and not running.done():  # the agent ends first when somebody presses Ctrl-C
            show(diagnosis.progress())
            await asyncio.wait((work, running), timeout=SHOWN_EVERY, return_when=asyncio.FIRST_COMPLETED)
    if work.done():
        work.result()
    else:
        diagnosis.stop()
        await work
    examination = diagnosis.progress()
    return DiagnosisAnswer(with_checks(daemon.report(), examination), examination, ())


def _display(diagnosis: Diagnosis, terminal: Terminal, stack: ExitStack) -> Show:
    if not terminal.wants_progress:
        return lambda examination: None
    from tonekeeper.faces.cli.diagnosis_display import DiagnosisDisplay

    def pressed(key: str) -> None:
        if key == SKIP_KEY:
            for check in SKIPPED:
                diagnosis.skip(check)

    stack.enter_context(Keyboard(pressed))
    display = DiagnosisDisplay(f"{SKIP_KEY}: skip the measurement of the NAT; Ctrl-C: end with what is known")
    return stack.enter_context(display).show
