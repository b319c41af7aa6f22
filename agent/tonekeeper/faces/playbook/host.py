"""This host: the agent's own house."""

from tonekeeper.faces.playbook.advice import Advice

HOST = {
    "journal-unwritable": Advice(
        means="What happens now is not kept. Probing, deciding and steering go on.",
        sureness="Certain: writing failed with the reason given. It is tried again every few seconds, and the finding "
        "goes by itself.",
        try_first=(
            "`df -h /var/lib/tonekeeper`: a full disk is the usual reason.",
            "`ls -ld /var/lib/tonekeeper`: it must belong to the user that the agent runs as.",
            "Make the journal smaller: `[journal] max_bytes`, then restart the agent.",
        ),
        leave_alone="Do not delete `journal-*` before they are copied: they are the evidence of what happened.",
    ),
    "crash-loop": Advice(
        means="The agent ended three times within ten minutes without being asked to. It goes on with care: nothing "
        "is steered, and probes are rarer, so a verdict takes longer. After ten minutes without another crash it takes "
        "up its configuration again.",
        sureness="Certain: the starts are counted in `starts.json`, and an orderly end takes its start out. Power cuts "
        "and reboots do not count; somebody who kills the agent does, and so does the kernel when memory runs out.",
        try_first=(
            "`journalctl -u tonekeeper -n 100` (OpenWrt: `logread -e tonekeeper`): the lines before each end say why.",
            "`dmesg | grep -i oom`: with too little memory the kernel ends the largest process.",
            "Did it begin with a change of the configuration or a new release? Take that back.",
            "Send the log and `journal-*` of the state directory to those who maintain the agent.",
        ),
        leave_alone="Do not delete the state directory to get rid of the finding: it holds what explains the crash.",
    ),
    "http-unavailable": Advice(
        means="The page, the API and the metrics are not served. The agent itself works.",
        sureness="Certain: listening failed with the reason given, and is tried again every 5 s.",
        try_first=(
            "`ss -ltnp` shows which program has the port.",
            "Stop that one, or choose another port in `[http] listen` and restart the agent.",
            "An address that this host does not have: correct it in `[http] listen`.",
        ),
        leave_alone="Do not let it listen on all addresses to get around it: that needs a token, and a reason.",
    ),
    "snmp-unavailable": Advice(
        means="Managers get no answer by SNMP, and are told nothing. The agent itself works; HTTP answers as before.",
        sureness="Certain: the reason is that of the kernel, of snmpd, or of the agent's own look at its keys. It is "
        "tried again every few seconds, and the finding goes by itself.",
        try_first=(
            "A port that is taken: `ss -lunp` shows by whom. If it is snmpd, let that one answer: `[snmp] agentx`.",
            "snmpd does not answer: is `master agentx` in its configuration, and may the agent use its socket "
            "(`agentXPerms`)?",
            "A key: `tonekeeper check /etc/tonekeeper/site.toml` says what is wrong with which.",
            "A Python package is missing: install the extra, `pip install 'tonekeeper[snmp]'`.",
        ),
        leave_alone="Do not fall back on a community beyond the management network: everybody on the way can read it.",
    ),
    "profiles-refused": Advice(
        means="The descriptions of phone models cannot be used. Phones are still seen, but not told apart by model.",
        sureness="Certain: the reason names the file. The last good set stays in use until a reload brings a good one.",
        try_first=(
            "`tonekeeper profiles lint /usr/share/tonekeeper/firmware-profiles` shows file, line and remedy.",
            "Put back the file that was changed, or install the package again.",
            "Send the agent SIGHUP.",
        ),
        leave_alone="Do not empty the directory: without profiles nothing can be said of any phone.",
    ),
    "registers-unseen": Advice(
        means="The agent may not listen for REGISTERs on the LAN. Phones that appear in no lease file and do not "
        "answer OPTIONS are missing from the list.",
        sureness="Certain: the kernel refused the packet socket.",
        try_first=(
            "Give the agent `CAP_NET_RAW` (`AmbientCapabilities=` in its service unit) and restart it.",
            "Is the interface in `[lan] interfaces` spelled right? `ip -br link` lists them.",
        ),
        leave_alone="Nothing at the phones needs a change for this.",
    ),
    "clock-jumped": Advice(
        means="The clock of this host was set by so much at once. Probing does not use it; certificates, logs and "
        "phones that take their time from here do. The finding stays until the agent is restarted.",
        sureness="Certain: the wall clock moved against the one that only counts. Once, just after a start without a "
        "battery-backed clock, it is normal.",
        try_first=(
            "`timedatectl` or `chronyc tracking`: is the time taken from a server, and is it right now?",
            "If it jumps again, look for two programs that both set the clock.",
        ),
        leave_alone="Do not set the clock by hand while a time service runs: the two fight.",
    ),
    "clock-wrong": Advice(
        means="This host's clock is off. By seconds, no log of it can be laid beside another; by days, certificates "
        "look expired or not yet valid and TLS ends. Phones that take their time from here are wrong as well.",
        sureness="What it was compared with is in the finding: a majority of the time servers is certain, a Date is "
        "good for two minutes. The kernel alone only knows whether somebody keeps the clock: that is information, no "
        "alarm.",
        try_first=(
            "`date -u`, beside a watch that is right.",
            "`timedatectl` or `chronyc tracking`: is the time taken from a server?",
            "`systemctl restart chrony`, or switch on the NTP client of the router; UDP port 123 must be let out.",
            "Wrong again after every power cut? The battery is empty or there is none: give it a time server by "
            "address, for without the time it may find no name.",
        ),
        leave_alone="Do not switch off the checking of certificates to get around it.",
    ),
    "conntrack-full": Advice(
        means="The kernel remembers so many connections and no more. Full, it drops what is new: calls that stand go "
        "on, new calls and registrations fail, and it looks like a bad line.",
        sureness="Certain: read from the kernel, which also counts what it evicted and dropped. That this is what the "
        "customer complains of is likely where the times agree.",
        try_first=(
            "`conntrack -C` and `sysctl net.netfilter.nf_conntrack_max`: how full is it now?",
            "`conntrack -L | grep -o 'src=[^ ]*' | sort | uniq -c | sort -n | tail`: one host with thousands is "
            "misused, or scans.",
            "Take that host off the LAN, or type the larger size from the finding.",
            "Write the size into a file in `/etc/sysctl.d/`, or the next start brings the old one back.",
        ),
        leave_alone="Do not flush the table (`conntrack -F`): every connection of the site would break.",
    ),
}
