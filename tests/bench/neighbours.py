"""Two programs that do a part of the job on routers today, in their smallest useful configuration."""

from __future__ import annotations

import http.client
import socket
from contextlib import suppress
from urllib.parse import urlencode

from tests.lab.namespace import Namespace, Process, until
from tests.lab.sbc import Sbc
from tests.lab.topology import Lab

_KEEPALIVED = """
vrrp_instance site {
    state MASTER
    interface lan0
    virtual_router_id 42
    priority 100
    advert_int 1
    virtual_ipaddress {
        192.0.2.254/24
    }
    track_interface {
        eth0
        wwan0
    }
}
"""

_BLACKBOX = r"""
modules:
  sip_options:
    prober: tcp
    timeout: 2s
    tcp:
      preferred_ip_protocol: ip4
      query_response:
        - send: "OPTIONS sip:lab SIP/2.0\r"
        - send: "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKbench\r"
        - send: "Max-Forwards: 70\r"
        - send: "From: <sip:bench@192.0.2.1>;tag=bench\r"
        - send: "To: <sip:lab>\r"
        - send: "Call-ID: bench\r"
        - send: "CSeq: 1 OPTIONS\r"
        - send: "Content-Length: 0\r"
        - send: "\r"
        - expect: "^SIP/2.0 200"
"""


def start_keepalived(lab: Lab) -> Process:
    """VRRP alone: its health checkers end at once where the kernel has no IPVS."""
    directory = lab.directory
    config = directory / "keepalived.conf"
    config.write_text(_KEEPALIVED)
    files = ("-f", str(config), "-p", str(directory / "keepalived.pid"), "-r", str(directory / "vrrp.pid"))
    keepalived = lab.cpe.namespace.popen("keepalived", "--dont-fork", "--log-console", "-P", *files, log="keepalived")
    until(
        lambda: "192.0.2.254" in lab.cpe.namespace.run("ip", "address", "show", "lan0"), within=10.0, what="no master"
    )
    return keepalived


class Blackbox:
    """Prometheus blackbox_exporter: a probe is made when it is asked for one."""

    def __init__(self, lab: Lab, port: int) -> None:
        self._namespace: Namespace = lab.cpe.namespace
        self._where = ("127.0.0.1", port)
        config = lab.directory / "blackbox.yml"
        config.write_text(_BLACKBOX)
        self.process = self._namespace.popen(
            "prometheus-blackbox-exporter",
            f"--config.file={config}",
            f"--web.listen-address=127.0.0.1:{port}",
            log=f"blackbox-{port}",
        )
        until(self._listens, within=10.0, what=f"blackbox_exporter does not listen\n{self.process.output}")

    def probe(self, sbc: Sbc) -> bool:
        """One OPTIONS over TCP; whether it was answered with 200."""
        query = urlencode({"module": "sip_options", "target": f"{sbc.address}:{sbc.port}"})
        connection = http.client.HTTPConnection(*self._where)
        connection.sock = self._connect()
        try:
            connection.request("GET", f"/probe?{query}")
            return b"\nprobe_success 1" in connection.getresponse().read()
        finally:
            connection.close()

    def _listens(self) -> bool:
        with suppress(ConnectionRefusedError):
            self._connect().close()
            return True
        return False

    def _connect(self) -> socket.socket:
        connected = self._namespace.socket(socket.AF_INET, socket.SOCK_STREAM)
        connected.settimeout(5.0)
        try:
            connected.connect(self._where)
        except OSError:
            connected.close()
            raise
        return connected
