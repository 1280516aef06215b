"""Programs that use datagrams: QUIC, bandwidth, the time of day."""
import json
import os

from servers import Daemon, wait_listening
from tap import case
from targets import TLS
from world import WEB4, WEB6

RELAYS = ("danted", "v2ray", "ss-local")
QUIC_PORT, IPERF_PORT = 4433, 5201
DOCUMENT = b"".join(b"%07d\n" % i for i in range(1 << 15))
MEGABIT = 1000000


def serve_quic(t, address):
    folder = t.folder + "/www"
    os.makedirs(folder)
    with open(folder + "/document", "wb") as f:
        f.write(DOCUMENT)
    t.own.append(Daemon("gtlsserver", "gtlsserver", "-q", "-d", folder, address, str(QUIC_PORT),
                        TLS + "/web.key", TLS + "/web.pem"))
    wait_listening(t.own, {(address, QUIC_PORT)}, "udp")


@case("a QUIC client fetches a document by {0} from {1}", sanitizer=True,
      each=[(server, what) for server in RELAYS for what in ("an address", "a name")] +
           [("danted6", "an IPv6 address")])
def quic(t, server, what):
    address = WEB6 if "IPv6" in what else WEB4
    host = t.host("web4") if what == "a name" else address
    serve_quic(t, address)
    url = f"https://{f'[{host}]' if ':' in host else host}:{QUIC_PORT}/document"
    t.ok(t.run("gtlsclient", "-q", "--exit-on-all-streams-close", "--download=" + t.folder,
               host, str(QUIC_PORT), url, via=server))
    with open(t.folder + "/document", "rb") as f:
        t.check(f.read() == DOCUMENT, "not the document")
    if what == "a name":
        t.resolved_remotely(host)


@case("iperf3 -u sends by {} what it is told to", each=RELAYS)
def iperf3(t, server):
    host = t.host("web4")
    t.own.append(Daemon("iperf3", "iperf3", "-s", "-1", "-B", WEB4, "-p", str(IPERF_PORT)))
    wait_listening(t.own, {(WEB4, IPERF_PORT)})
    result = t.ok(t.run("iperf3", "-J", "-u", "-b", str(MEGABIT), "-t", "1", "-l", "1200",
                        "-c", host, "-p", str(IPERF_PORT), via=server))
    found = json.loads(result.out)["end"]["sum"]
    sent = found["packets"]
    t.check(sent > 50, "not as many as were to be sent")
    # the relays have small buffers: on a busy machine they lose some
    t.check(found["lost_packets"] < sent / 2, "most are lost")
    t.resolved_remotely(host)


@case("ntpdig asks for the time by {}", each=RELAYS)
def ntpdig(t, server):
    host = t.host("web4")
    result = t.ok(t.run("ntpdig", "-j", "-t", "20", host, via=server))
    t.check(abs(json.loads(result.out)["offset"]) < 5, "not the time")
    t.resolved_remotely(host)
