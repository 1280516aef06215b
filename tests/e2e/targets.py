"""What the programs under test talk to, on srv's target addresses (IPv4 and IPv6).

    7     echo           80, 8080  HTTP           443  HTTPS, certificate of our own CA
    2525  speaks first   22        sshd (servers.py starts it)
    7, 8  UDP echo       123       NTP, by this machine's clock

HTTP: /hello tells the Host that was asked for and the peer, /bulk is BULK, POST tells
the digest of what came, /repo.git is a git repository. Nobody listens on CLOSED_PORT.
Every connection is noted with its peer: a Hit; so is every datagram.

A datagram comes back as it is. One that begins with "again:N:" comes back N times, and
one with "elsewhere:" comes from the other UDP port.
"""
import collections
import hashlib
import http.server
import os
import socket
import socketserver
import ssl
import struct
import threading
import time

from world import SCRATCH, WEB4, WEB6, sh, write

WWW = SCRATCH + "/www"
TLS = SCRATCH + "/tls"
CA = TLS + "/ca.pem"
BULK = b"".join(b"%015d\n" % i for i in range(1 << 18))
BANNER = b"220 sx.test speaks first\r\n"
CLOSED_PORT = 81
UDP_PORTS = (7, 8)
NTP_PORT = 123
NTP_EPOCH = 2208988800  # 1900 is before 1970 by so many seconds
NTP_REPLY = struct.Struct("!BBbb8x4s8x8sQQ")  # RFC 5905 section 7.3
SO_RCVBUFFORCE = 33
GIT_SUBJECT = "a commit to be cloned"

Hit = collections.namedtuple("Hit", "service peer host path")


class Log:
    """What the targets have seen since clear()."""

    def __init__(self):
        self.hits = []

    def note(self, service, peer, host="", path=""):
        self.hits.append(Hit(service, peer, host, path))

    def clear(self):
        self.hits = []


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, address, port, handler, log, service, tls=None):
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.log, self.service, self.tls = log, service, tls
        super().__init__((address, port), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that breaks off is no fault of the target."""


class Http(http.server.BaseHTTPRequestHandler):
    def setup(self):
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def note(self):
        self.server.log.note(self.server.service, self.client_address[0],
                             self.headers.get("Host", ""), self.path)

    def send(self, body, status=200):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.note()
        path = self.path.split("?")[0]
        if path == "/hello":
            host, peer = self.headers.get("Host", ""), self.client_address[0]
            self.send(f"hello {host} from {peer}\n".encode())
        elif path == "/bulk":
            self.send(BULK)
        else:
            self.send_file(path)

    def do_POST(self):
        self.note()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send(f"got {len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()}\n".encode())

    def send_file(self, path):
        name = os.path.normpath(WWW + "/" + path)
        if not name.startswith(WWW + "/") or not os.path.isfile(name):
            return self.send(b"not found\n", 404)
        with open(name, "rb") as f:
            return self.send(f.read())


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        self.server.log.note("echo", self.client_address[0])
        while data := self.request.recv(65536):
            self.request.sendall(data)


class SpeaksFirst(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.log.note("banner", self.client_address[0])
        self.wfile.write(BANNER)
        for line in self.rfile:
            self.wfile.write(b"you said " + line)


class Datagrams:
    """The UDP ports of one address."""

    def __init__(self, address, log):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.log, self.socks = log, {}
        for port in UDP_PORTS:
            sock = self.socks[port] = socket.socket(family, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
            sock.bind((address, port))
        for port in UDP_PORTS:
            threading.Thread(target=self.serve, args=(port,), daemon=True).start()

    def serve(self, port):
        while True:
            data, peer = self.socks[port].recvfrom(1 << 16)
            self.log.note(f"udp-{port}", peer[0], path=str(len(data)))
            times, answers_from = 1, port
            if data.startswith(b"again:"):
                times = int(data.split(b":")[1])
            if data.startswith(b"elsewhere:"):
                answers_from, = set(UDP_PORTS) - {port}
            for _ in range(times):
                self.socks[answers_from].sendto(data, peer)


def ntp_time():
    return int((time.time() + NTP_EPOCH) * (1 << 32))


def serve_time(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, NTP_PORT))
    while True:
        question, peer = sock.recvfrom(1024)
        came = ntp_time()
        # version 4, server; stratum 1, every 64 s, to a microsecond
        sock.sendto(NTP_REPLY.pack(0x24, 1, 6, -20, b"LOCL", question[40:48], came,
                                   ntp_time()), peer)


def make_certificates():
    os.makedirs(TLS)
    new_key = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30"]
    sh(*new_key, "-subj", "/CN=e2e", "-keyout", TLS + "/ca.key", "-out", CA)
    sh(*new_key, "-subj", "/CN=sx.test", "-CA", CA, "-CAkey", TLS + "/ca.key",
       "-addext", f"subjectAltName=DNS:*.sx.test,IP:{WEB4},IP:{WEB6}",
       "-keyout", TLS + "/web.key", "-out", TLS + "/web.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(TLS + "/web.pem", TLS + "/web.key")
    return tls


def make_repository():
    """A bare repository that any web server can serve as files."""
    tree, bare = SCRATCH + "/tree", WWW + "/repo.git"
    who = ["-c", "user.name=e2e", "-c", "user.email=e2e@sx.test"]
    write(tree + "/file", "content of the cloned file\n")
    sh("git", "init", "-q", "-b", "main", tree)
    sh("git", "-C", tree, "add", "file")
    sh("git", "-C", tree, *who, "commit", "-q", "-m", GIT_SUBJECT)
    sh("git", "clone", "-q", "--bare", tree, bare)
    sh("git", "-C", bare, "update-server-info")


def start():
    """Start all targets; their Log."""
    make_repository()
    tls, log = make_certificates(), Log()
    for address in (WEB4, WEB6):
        for port, handler, service in ((7, Echo, "echo"), (2525, SpeaksFirst, "banner"),
                                       (80, Http, "http"), (8080, Http, "http-8080")):
            Server(address, port, handler, log, service)
        Server(address, 443, Http, log, "https", tls)
        Datagrams(address, log)
    threading.Thread(target=serve_time, args=(WEB4,), daemon=True).start()
    return log
