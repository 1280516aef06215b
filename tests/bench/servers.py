"""The servers at the far end of a link, each without and with user and password."""
import json
import os
import shutil

import contest
from link import FAR, PASSWORD, TARGET, USER

KEYS = contest.SCRATCH + "/keys"
SSHD_PORT = 2222

DANTED_CONF = """logoutput: stderr
errorlog: stderr
internal: {address} port = {port}
external: {target}
clientmethod: none
socksmethod: {method}
user.privileged: root
user.unprivileged: nobody
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{ from: 0/0 to: 0/0 }}
"""
SSHD_CONF = f"""ListenAddress 127.0.0.1:{SSHD_PORT}
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
"""


def conf(far, name, text):
    path = f"{contest.SCRATCH}/{name}"
    far.world.write(path, text)
    return path


def microsocks(far, port, user):
    argv = ["microsocks", "-i", FAR, "-p", str(port)]
    return far.start(f"microsocks{port}", *argv, *(["-u", USER, "-P", PASSWORD] if user else []))


def danted(far, port, user):
    text = DANTED_CONF.format(address=FAR, target=TARGET, port=port,
                              method="username" if user else "none")
    return far.start(f"danted{port}", "danted", "-f", conf(far, f"danted{port}.conf", text),
                     "-p", f"{contest.SCRATCH}/danted{port}.pid")


def v2ray(far, port, user):
    settings = {"auth": "noauth", "udp": False}
    if user:
        settings.update(auth="password", accounts=[{"user": USER, "pass": PASSWORD}])
    text = json.dumps({
        "log": {"loglevel": "warning"},
        "inbounds": [{"listen": FAR, "port": port, "protocol": "socks", "settings": settings}],
        "outbounds": [{"protocol": "freedom", "settings": {}}]})
    return far.start(f"v2ray{port}", "v2ray", "-config", conf(far, f"v2ray{port}.json", text))


def ssh(far, port, _):
    """It knows no password; both of its ends are in far, so that SOCKS crosses the link."""
    os.makedirs(KEYS, exist_ok=True)
    os.makedirs("/run/sshd", exist_ok=True)
    for name in ("host", "user"):
        if not os.path.exists(f"{KEYS}/{name}"):
            contest.output("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{KEYS}/{name}")
    with open(KEYS + "/host.pub", encoding="ascii") as key:
        known = conf(far, "known_hosts", "* " + key.read())
    sshd = far.start("sshd", "/usr/sbin/sshd", "-D", "-e",
                     "-f", conf(far, "sshd_config", SSHD_CONF))
    if reason := sshd.wait([("127.0.0.1", SSHD_PORT)]):
        raise contest.BenchError(f"sshd: {reason}")
    return far.start("ssh -D", "ssh", "-F", "none", "-i", KEYS + "/user", "-o", "BatchMode=yes",
                     "-o", "UserKnownHostsFile=" + known, "-o", "ExitOnForwardFailure=yes", "-N",
                     "-D", f"{FAR}:{port}", "-p", str(SSHD_PORT), "root@127.0.0.1")


# Name, program that must be there, how it is started, whether it takes a password
SERVERS = [("danted", "danted", danted, True), ("v2ray", "v2ray", v2ray, True),
           ("ssh -D", "sshd", ssh, False), ("microsocks", "microsocks", microsocks, True)]


class Server:
    """One that listens. user: it wants user and password, and takes nothing else."""

    def __init__(self, name, port, user):
        self.name, self.port, self.user = name, port, user

    def credentials(self):
        return f"{USER}:{PASSWORD}@" if self.user else ""


def start(far):
    """All that can be had; of the others it is said why not."""
    found = []
    port = 1080
    for name, program, begin, takes_user in SERVERS:
        if not shutil.which(program, path=contest.PATH):
            print(f"left out: {name} is not installed")
            continue
        for user in (False, True) if takes_user else (False,):
            port += 1
            try:
                reason = begin(far, port, user).wait([(FAR, port)])
            except contest.BenchError as error:
                reason = error
            if reason:
                print(f"left out: {name} does not start here: {reason}")
                break
            found.append(Server(name, port, user))
    return found
