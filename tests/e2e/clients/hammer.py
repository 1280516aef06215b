"""hammer.py [--processes N] [--threads N] (--count N | --until FILE) HOST PORT

Short connections to an echo, from many threads of several processes: connect, one line
there and back, close. --count: so many by each thread; --until: as long as there is no
such file. Says in one line of JSON what came of them:

    done     how many went well
    failed   a list of [PHASE, ENAME, OWN PORT]; PHASE is "connect" or "talk"

Every other thread has non-blocking sockets. All are bound first, so that the log of a
server tells by the port which connection it was.
"""
import argparse
import errno
import json
import os
import select
import socket
import subprocess
import sys
import threading
import time

LIMIT_S = 50


def connect(sock, address, blocking):
    sock.setblocking(blocking)
    code = sock.connect_ex(address)
    if code == errno.EINPROGRESS:
        poll = select.poll()
        poll.register(sock, select.POLLOUT)
        poll.poll()
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))
    sock.setblocking(True)


def talk(sock, line):
    sock.sendall(line)
    got = b""
    while len(got) < len(line):
        part = sock.recv(len(line) - len(got))
        if not part:
            raise OSError(errno.EPIPE, "the end")
        got += part
    if got != line:
        raise OSError(errno.EBADMSG, "another connection's line")


def once(chosen, line, blocking, failed):
    """One connection; True if it went well."""
    phase, port = "lookup", 0
    try:
        address = socket.getaddrinfo(chosen.host, chosen.port, socket.AF_INET,
                                     socket.SOCK_STREAM)[0][4]
        with socket.socket() as sock:
            sock.bind(("0.0.0.0", 0))
            port = sock.getsockname()[1]
            phase = "connect"
            connect(sock, address, blocking)
            phase = "talk"
            talk(sock, line)
        return True
    except OSError as e:
        failed.append([phase, errno.errorcode.get(e.errno, str(e)), port])
        return False


def hammer(chosen, number, done, failed):
    end = time.monotonic() + LIMIT_S
    for i in range(chosen.count or 1 << 30):
        if chosen.until and os.path.exists(chosen.until) or time.monotonic() > end:
            return
        line = b"%d %d %d\n" % (os.getpid(), number, i)
        done[number] += once(chosen, line, number % 2 == 0, failed)


def work(chosen):
    done, failed = [0] * chosen.threads, []
    threads = [threading.Thread(target=hammer, args=(chosen, i, done, failed))
               for i in range(chosen.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"done": sum(done), "failed": failed}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--until", default="")
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    chosen = parser.parse_args()
    if chosen.processes == 1:
        print(json.dumps(work(chosen)))
        return
    workers = [subprocess.Popen([sys.executable, *sys.argv, "--processes", "1"],
                                stdout=subprocess.PIPE, text=True)
               for _ in range(chosen.processes)]
    results = [json.loads(worker.communicate()[0]) for worker in workers]
    print(json.dumps({"done": sum(result["done"] for result in results),
                      "failed": sum((result["failed"] for result in results), [])}))


main()
