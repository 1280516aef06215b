"""Event-driven programs: their non-blocking connects are carried side by side.

nginx takes part where it is installed: its package starts a server on the machine.
"""
import shutil
import time

from servers import DEAD, MAIN, URLS
from tap import case
from world import DNS4, WEB4, WEB6

MANY = 20
PYTHON = "/usr/bin/python3"
NGINX = """\
daemon off;
pid {folder}/pid;
error_log stderr;
events {{
    use epoll;
}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/socket;
        location / {{
            proxy_pass http://{host};
            proxy_set_header Host {host};
        }}
    }}
}}
"""
# Ends nginx whatever came of it
THROUGH_NGINX = """
nginx -c "$1/nginx.conf" & nginx=$!
until test -S "$1/socket"; do kill -0 $nginx || exit 1; sleep 0.05; done
curl -sS --no-progress-meter -Z --unix-socket "$1/socket" "http://local/hello?[1-$2]"; status=$?
kill -QUIT $nginx; wait $nginx
exit $status
"""
# Prints the answers of the lines that it sends to HOST at once
AT_ONCE = """
import asyncio, sys
async def one(host, line):
    reader, writer = await asyncio.open_connection(host, 7)
    writer.write(line + b"\\n")
    answer = await reader.readline()
    writer.close()
    assert answer == line + b"\\n", answer
async def main(host, n):
    await asyncio.gather(*(one(host, b"%d" % i) for i in range(n)))
asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def where_installed(program, *description, **options):
    return case(*description, **options) if shutil.which(program) else lambda function: function


@where_installed("nginx", "nginx, with epoll, serves pages of an upstream through {}",
                 each=MAIN[:2])
def nginx(t, server):
    host = t.host("web4")
    t.file("nginx.conf", NGINX.format(folder=t.folder, host=host))
    result = t.ok(t.run("sh", "-c", THROUGH_NGINX, "sh", t.folder, str(MANY), via=server))
    t.check(result.out.count(f"hello {host} from ") == MANY, "pages are missing")
    t.reached(host)


@case("git clones four times at once through {}", each=MAIN[:2])
def git(t, server):
    hosts = [t.host() for _ in range(4)]
    script = "for host; do git clone -q http://$host/repo.git $host & done; wait"
    t.ok(t.run("sh", "-c", script, "sh", *hosts, via=server))
    for host in hosts:
        t.ok(t.run("git", "-C", host, "log", "-1", via=None))
        t.reached(host)


@case("aria2c fetches from many hosts at once through {}", each=MAIN[:2])
def aria2(t, server):
    hosts = [t.host() for _ in range(MANY)]
    pages = "".join(f"http://{host}/hello\n  out={host}\n" for host in hosts)
    t.ok(t.run("aria2c", "--no-conf=true", "-q", f"-j{MANY}", "-i", t.file("pages", pages),
               via=server))
    for host in hosts:
        with open(f"{t.folder}/{host}", encoding="ascii") as page:
            t.contains(page.read(), f"hello {host} from ")
        t.reached(host)


@case("redis-cli talks through {}", each=MAIN[:2])
def redis(t, server):
    host = t.host()
    # an echo gives the command back, as an array
    result = t.ok(t.run("redis-cli", "-h", host, "-p", "7", "PING", via=server))
    t.contains(result.out, "PING")
    t.resolved_remotely(host)


@case("50 connects at once take one handshake's time, not fifty", sanitizer=True)
def side_by_side(t):
    slow = t.knobd("delay_at=request:500")
    began = time.monotonic()
    t.ok(t.run(PYTHON, "-c", AT_ONCE, t.host(), "50", via=slow.url()))
    # one after another they take 25 s
    t.check(time.monotonic() - began < 12, "not side by side")


# Answers come from a thread that opens and closes files under numbers of its own: they are
# not the program's
ASKING = """
import select, socket, sys
host, server, name = sys.argv[1:]
poll = select.epoll()
pending = []
for i in range(16):
    sock = socket.socket()
    poll.register(sock, select.EPOLLOUT | select.EPOLLET)
    sock.setblocking(False)
    sock.connect_ex((host, 7))
    pending.append(sock)
question = bytes(range(2)) + bytes([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]) + b"".join(
    bytes([len(label)]) + label.encode() for label in name.split(".")) + bytes([0, 0, 1, 0, 1])
asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asking.settimeout(20)
for _ in range(20):
    asking.sendto(question, (server, 53))
    asking.recv(512)
left = {sock.fileno() for sock in pending}
while left:
    ready = poll.poll(20)
    assert ready, f"{len(left)} are not connected"
    left -= {fd for fd, events in ready if events == select.EPOLLOUT}
for sock in pending:
    sock.setblocking(True)
    sock.sendall(b"x\\n")
    assert sock.recv(10) == b"x\\n"
"""


@case("pending connects are not disturbed by a nameserver's thread", sanitizer=True)
def beside_nameserver(t):
    slow = t.knobd("delay_at=request:1000")
    t.ok(t.run(PYTHON, "-c", ASKING, WEB4, DNS4, t.host(), via=slow.url()))


# By an IPv6 socket: one that was connected by IPv4 has to be replaced for IPv6
BY_IPV6 = """
import select, socket, sys
sock = socket.socket(socket.AF_INET6)
sock.setblocking(False)
sock.connect_ex((sys.argv[1], 7))
assert select.select([], [sock], [], 60)[1] and not sock.getsockopt(
    socket.SOL_SOCKET, socket.SO_ERROR)
sock.setblocking(True)
sock.sendall(b"x\\\\n")
assert sock.recv(10) == b"x\\\\n"
"""


@case("from a dead server with IPv4 to one with IPv6, on an IPv6 socket that does not block",
      sanitizer=True)
def from_ipv4_to_ipv6(t):
    began = time.monotonic()
    t.ok(t.run(PYTHON, "-c", BY_IPV6, WEB6, via=[DEAD[0], URLS["microsocks6"]]))
    # connect_timeout is 10 s
    t.check(time.monotonic() - began < 8, "the second server's answer was not seen")
