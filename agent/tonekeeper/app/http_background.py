"""The HTTP listener of the running agent, and the files it stands on: the token, the certificate.

A port that is taken, or a file that cannot be used, is a finding and is tried again at each look; the probing goes on.
A certificate that is renewed under way is used from the next connection on. One that cannot be used is said once in
the log, and the one before it stays.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tonekeeper.core.events import Event, Facility, FacilityFailed, FacilityRecovered
from tonekeeper.errors import EdgeError
from tonekeeper.faces.http.routes import Routes
from tonekeeper.faces.http.server import HttpServer
from tonekeeper.faces.log import Log
from tonekeeper.settings.model import HttpSettings

if TYPE_CHECKING:
    from tonekeeper.faces.http.tls import Certificates


class BackgroundHttp:
    """`routes`: what is answered, given the token (empty: none) and whether clients prove who they are."""

    def __init__(
        self,
        http: HttpSettings,
        routes: Callable[[str, bool], Routes],
        report: Callable[[Event], None],
        log: Log,
    ) -> None:
        self._http = http
        self._make_routes = routes
        self._report = report
        self._log = log
        self._routes: Routes | None = None
        self._server: HttpServer | None = None
        self._certificates: Certificates | None = None
        self._has_failed = False

    async def look(self) -> None:
        """Listens if it does not, and uses a certificate that is new."""
        if self._server is None:
            await self._listen()
        else:
            self.renew()

    def renew(self) -> None:
        """Uses the certificate's files as they are now."""
        if self._certificates is None:
            return
        try:
            if self._certificates.renew():
                self._log.info("certificate-renewed", file=str(self._http.tls_cert))
        except EdgeError as error:
            self._log.error("certificate-not-renewed", reason=str(error))

    def look_soon(self) -> None:
        """Something has happened that those who listen to events would like to see."""
        if self._routes is not None:
            self._routes.look_soon()

    async def close(self) -> None:
        if self._server is not None:
            await self._server.close()

    async def _listen(self) -> None:
        try:
            token = _read_token(self._http.token_file)
            certificates = _read_certificates(self._http)
            routes = self._make_routes(token, bool(token) or self._http.client_ca is not None)
            server = HttpServer(self._http.listen, routes.respond, certificates=certificates)
            where = await server.start()
        except EdgeError as error:
            if not self._has_failed:
                self._report(FacilityFailed(Facility.HTTP, error.errno, str(error)))
            self._has_failed = True
            return
        self._routes, self._server, self._certificates = routes, server, certificates
        self._log.info("listening", http=f"{'http' if certificates is None else 'https'}://{where}/")
        if self._has_failed:
            self._has_failed = False
            self._report(FacilityRecovered(Facility.HTTP))


def _read_token(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        secret = file.read_text().strip()
    except OSError as error:
        raise EdgeError(f"read the token in '{file}'", error, remedy="see [http] token_file") from None
    if not secret:
        raise EdgeError(f"use the token in '{file}': the file is empty", remedy="put a long random word into it")
    return secret


def _read_certificates(http: HttpSettings) -> Certificates | None:
    """None for plain HTTP, which does without OpenSSL."""
    if http.tls_cert is None or http.tls_key is None:
        return None
    from tonekeeper.faces.http.tls import Certificates

    return Certificates(http.tls_cert, http.tls_key, http.client_ca)
