"""The proxy servers, each a program in srv with its output in a log file.

    microsocks       microsocks, no authentication, IPv4 address
    microsocks6      the same on IPv6 alone
    microsocks-auth  user and password wanted
    danted           dante-server, both families; refuses port DENIED_PORT by a rule
    ssh -D           OpenSSH's client towards an sshd of ours, both families
    tinyproxy        HTTP CONNECT, no authentication, both families
    tinyproxy-auth   the same with Basic authentication
    v2ray            no authentication, IPv4 address; its answers to datagrams give the name
    ss-local         shadowsocks' client towards an ss-server of ours

danted, v2ray and ss-local carry datagrams: is_relay() knows where to;

there is a Knobd for a case that wants a server that misbehaves, and addresses where no server is: DEAD
(refused) and SILENT (no answer at all).
"""
import itertools
import json
import os
import socket
import subprocess
import sys
import time
from urllib.parse import quote

from world import PROXY4, PROXY6, SCRATCH, SILENT4, WEB4, WEB6, WorldError, sh, write

LOGS = SCRATCH + "/log"
KNOBD = os.path.dirname(os.path.abspath(__file__)) + "/knobd.py"
KEYS = SCRATCH + "/keys"
USER, PASSWORD = "alice", "p@ss:w0rd/e2e"
PLAIN_PASSWORD = "pass.w0rd-e2e"  # all that tinyproxy's configuration can express
DENIED_PORT = 25
SSHD_PORT = 2222
KNOWN_HOSTS = KEYS + "/known_hosts"

URLS = {
    "microsocks": f"socks5://{PROXY4}:1080",
    "microsocks6": f"socks5://[{PROXY6}]:1080",
    "microsocks-auth": f"socks5://{USER}:{quote(PASSWORD, '')}@{PROXY4}:1081",
    "danted": f"socks5://{PROXY4}:1082",
    "danted6": f"socks5://[{PROXY6}]:1082",
    "ssh -D": f"socks5://{PROXY4}:1083",
    "ssh -D by IPv6": f"socks5://[{PROXY6}]:1083",
    "tinyproxy": f"http://{PROXY4}:1084",
    "tinyproxy by IPv6": f"http://[{PROXY6}]:1084",
    "tinyproxy-auth": f"http://{USER}:{PLAIN_PASSWORD}@{PROXY4}:1085",
    "v2ray": f"socks5://{PROXY4}:1086",
    "ss-local": f"socks5://{PROXY4}:1087",
}
MAIN = ("microsocks", "danted", "ssh -D")
DEAD = tuple(f"socks5://{PROXY4}:{port}" for port in (1097, 1098, 1099))
SILENT = f"socks5://{SILENT4}:1080"
LISTENING = {(PROXY4, 1080), (PROXY6, 1080), (PROXY4, 1081), (PROXY4, 1082), (PROXY6, 1082),
             (PROXY4, 1083), (PROXY6, 1083), (PROXY4, 1084), (PROXY6, 1084), (PROXY4, 1085),
             (PROXY4, 1086), (PROXY4, 1087)}
RELAYS = {(PROXY4, 1086), (PROXY4, 1087)}
DANTED_RELAYS = range(20000, 30000)
SS_SERVER_PORT = 8388

DANTED_CONF = f"""logoutput: stderr
errorlog: stderr
internal: {PROXY4} port = 1082
internal: {PROXY6} port = 1082
external: {PROXY4}
external: {PROXY6}
clientmethod: none
socksmethod: none
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0/0 to: 0/0 }}
socks block {{ from: 0/0 to: 0/0 port = {DENIED_PORT} }}
socks pass {{
    from: 0/0 to: 0/0
    udp.portrange: {DANTED_RELAYS[0]}-{DANTED_RELAYS[-1]}
    log: connect error
}}
"""
TINYPROXY_CONF = f"""Listen {PROXY4}
Listen {PROXY6}
Port 1084
LogLevel Connect
"""
TINYPROXY_AUTH_CONF = f"""Listen {PROXY4}
Port 1085
BasicAuth {USER} {PLAIN_PASSWORD}
LogLevel Connect
"""
V2RAY_CONF = {
    "log": {"loglevel": "warning"},
    "inbounds": [{"listen": PROXY4, "port": 1086, "protocol": "socks",
                  "settings": {"auth": "noauth", "udp": True, "ip": PROXY4}}],
    "outbounds": [{"protocol": "freedom"}],
}
SHADOWSOCKS = ["-s", "127.0.0.1", "-p", str(SS_SERVER_PORT), "-k", PLAIN_PASSWORD,
               "-m", "aes-256-gcm", "-u"]
SSHD_CONF = f"""Port {SSHD_PORT}
ListenAddress 127.0.0.1:{SSHD_PORT}
ListenAddress {WEB4}:22
ListenAddress [{WEB6}]:22
HostKey {KEYS}/host
AuthorizedKeysFile {KEYS}/user.pub
StrictModes no
UsePAM no
UseDNS no
PidFile none
PasswordAuthentication no
PermitRootLogin prohibit-password
PrintMotd no
PrintLastLog no
MaxStartups 100
"""


def ssh_options():
    """How to call ssh without anything from the user's or the system's settings."""
    return ["-F", "none", "-i", KEYS + "/user", "-o", "BatchMode=yes",
            "-o", "UserKnownHostsFile=" + KNOWN_HOSTS]


def is_relay(address, port):
    """Does one of the servers take datagrams there?"""
    return (address, port) in RELAYS or (
        address in (PROXY4, PROXY6) and port in DANTED_RELAYS)


def listening(transport):
    """The (address, port) pairs where somebody listens in srv, from /proc/net."""
    found, state = set(), {"tcp": "0A", "udp": "07"}[transport]
    for path in (f"/proc/net/{transport}", f"/proc/net/{transport}6"):
        with open(path, encoding="ascii") as f:
            for fields in (line.split() for line in f):
                if fields[3] == state:
                    found.add(fields[1])
    return found


def proc_form(address, port):
    """An endpoint as /proc/net writes it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    raw = socket.inet_pton(family, address)
    words = (raw[i:i + 4][::-1].hex().upper() for i in range(0, len(raw), 4))
    return f"{''.join(words)}:{port:04X}"


class Daemon:
    def __init__(self, name, *argv, pass_fds=()):
        os.makedirs(LOGS, exist_ok=True)
        self.name, self.log = name, f"{LOGS}/{name.replace(' ', '')}.log"
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, pass_fds=pass_fds, cwd=SCRATCH)
        self.read_to = os.path.getsize(self.log)

    def news(self):
        """What the program has said since mark()."""
        with open(self.log, "rb") as f:
            f.seek(self.read_to)
            return f.read().decode(errors="replace")

    def mark(self):
        self.read_to = os.path.getsize(self.log)

    def relays(self):
        """Where it takes, or has taken, datagrams for others."""
        return set()

    def stop(self):
        self.process.kill()
        self.process.wait()


class Knobd(Daemon):
    """knobd.py with these knobs, on a port that the kernel gives, or this one, or on
    the unix socket of an address unix:PATH."""

    serial = itertools.count(1)

    def __init__(self, folder, address, *knobs, port=0):
        log = f"{folder}/knobd-{next(self.serial)}.log"
        ready, write_end = os.pipe()
        super().__init__("knobd", sys.executable, "-B", KNOBD, "--listen", address,
                         "--port", str(port), "--log", log, "--ready-fd", str(write_end),
                         *(["--knob", *knobs] if knobs else []), pass_fds=(write_end,))
        os.close(write_end)
        with open(ready, encoding="ascii") as f:
            self.port = int(f.readline())
        self.where = address if address.startswith("unix:") else f"{PROXY4}:{self.port}"
        self.log = log
        self.read_to = 0

    def url(self, scheme="socks5", credentials=""):
        return f"{scheme}://{credentials}{self.where}"

    def relays(self):
        return {(event["address"], event["port"]) for event in self.events("relay")}

    def events(self, *kinds):
        """What its log says of these kinds, as dictionaries; of all without any."""
        with open(self.log, "rb") as f:
            lines = f.read().splitlines(keepends=True)
        events = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [event for event in events if not kinds or event["event"] in kinds]


def wait_listening(daemons, endpoints, transport="tcp"):
    wanted = {proc_form(*endpoint): endpoint for endpoint in endpoints}
    end = time.monotonic() + 30
    while missing := wanted.keys() - listening(transport):
        for daemon in daemons:
            if daemon.process.poll() is not None:
                raise WorldError(f"{daemon.name} ended: {daemon.news().strip()}")
        if time.monotonic() > end:
            raise WorldError(f"nobody listens on {[wanted[m] for m in missing]}")
        time.sleep(0.005)


def make_keys():
    os.makedirs(KEYS)
    for name in ("host", "user"):
        sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{KEYS}/{name}")
    with open(KEYS + "/host.pub", encoding="ascii") as f:
        write(KNOWN_HOSTS, "* " + f.read())


def start():
    """Start all; the list of Daemons."""
    make_keys()
    daemons = [
        Daemon("microsocks", "microsocks", "-i", PROXY4, "-p", "1080"),
        Daemon("microsocks6", "microsocks", "-i", PROXY6, "-p", "1080"),
        Daemon("microsocks-auth", "microsocks", "-i", PROXY4, "-p", "1081",
               "-u", USER, "-P", PASSWORD),
        Daemon("danted", "danted", "-f", write(SCRATCH + "/danted.conf", DANTED_CONF),
               "-p", SCRATCH + "/danted.pid"),
        Daemon("tinyproxy", "tinyproxy", "-d",
               "-c", write(SCRATCH + "/tinyproxy.conf", TINYPROXY_CONF)),
        Daemon("tinyproxy-auth", "tinyproxy", "-d",
               "-c", write(SCRATCH + "/tinyproxy-auth.conf", TINYPROXY_AUTH_CONF)),
        Daemon("v2ray", "v2ray",
               "-config", write(SCRATCH + "/v2ray.json", json.dumps(V2RAY_CONF))),
        Daemon("ss-server", "ss-server", *SHADOWSOCKS),
        Daemon("ss-local", "ss-local", *SHADOWSOCKS, "-b", PROXY4, "-l", "1087"),
        Daemon("sshd", "/usr/sbin/sshd", "-D", "-e",
               "-f", write(SCRATCH + "/sshd_config", SSHD_CONF)),
    ]
    wait_listening(daemons, {("127.0.0.1", SSHD_PORT), ("127.0.0.1", SS_SERVER_PORT),
                             (WEB4, 22), (WEB6, 22)})
    daemons.append(Daemon(
        "ssh -D", "ssh", *ssh_options(), "-N", "-o", "ExitOnForwardFailure=yes",
        "-D", f"{PROXY4}:1083", "-D", f"[{PROXY6}]:1083", "-p", str(SSHD_PORT), "root@127.0.0.1"))
    wait_listening(daemons, LISTENING)
    return daemons
