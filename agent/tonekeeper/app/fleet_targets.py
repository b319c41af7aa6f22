"""The inventory as Prometheus's service discovery asks for it, read anew for each question."""

from __future__ import annotations

from http import HTTPStatus

import msgspec

from tonekeeper.app.fleet import read_inventory
from tonekeeper.app.serving import until_told
from tonekeeper.errors import ConfigError
from tonekeeper.faces.cli.outcome import Exit
from tonekeeper.faces.cli.terminal import Terminal
from tonekeeper.faces.http.message import HttpRequest, HttpResponse, plain
from tonekeeper.faces.http.server import HttpServer
from tonekeeper.fleet.targets import target_groups
from tonekeeper.wire.endpoint import Endpoint

PATH = "/targets"


async def serve_targets(listen: Endpoint, inventory: str, terminal: Terminal) -> Exit:
    """An inventory that cannot be read any more is answered with 500: Prometheus then keeps the targets it has."""
    read_inventory(inventory)

    def respond(request: HttpRequest) -> HttpResponse:
        if request.path != PATH:
            return plain(HTTPStatus.NOT_FOUND, f"cannot find {request.path!r}; there is {PATH}")
        try:
            groups = target_groups(read_inventory(inventory).hosts)
        except ConfigError as error:
            return plain(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
        return HttpResponse(HTTPStatus.OK, "application/json", msgspec.json.encode(groups))

    server = HttpServer(listen, respond)
    where = await server.start()
    terminal.say(f"targets: http://{where}{PATH}")
    try:
        await until_told()
    finally:
        await server.close()
    return Exit.FINE
