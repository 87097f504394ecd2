"""An S3 server on loopback, and a proxy before it that fails by a seed. Each is a process of its own.

python -m tests.object_store --server URL --seed N --fraction 0.05
"""

import argparse
import hashlib
import http.client
import itertools
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import s3fs

from pipeline.io.object_path import TIMEOUT_VARIABLE, ObjectPath

ROOT = Path(__file__).parents[1]
BUCKET = "corpora"
CANARIES = {
    "AWS_ACCESS_KEY_ID": "AKIACANARY0SECRET0KEY",
    "AWS_SECRET_ACCESS_KEY": "canary/secret+access/key",
    "AWS_SESSION_TOKEN": "canary-session-token",
}
FAULTS = ("500", "503", "slow", "reset", "truncated", "reset after it was done")
"""What the proxy does to a request. The last one loses the answer of a request that the server has carried out."""
TIMEOUT_SECONDS = 1.0
"""Of requests while the proxy stands in the way; slow answers take twice as long."""


@contextmanager
def serving(arguments: list[str]) -> Iterator[str]:
    """The URL of a server that prints its port, or that moto prints."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert server.stdout is not None
    reading = threading.Thread()
    try:
        told: list[str] = []
        for line in server.stdout:
            told.append(line)
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                break
        else:
            raise AssertionError("".join(told))
        reading = threading.Thread(target=server.stdout.read, daemon=True)  # what it says must not fill its pipe
        reading.start()
        yield found[0]
    finally:
        server.kill()
        server.wait()
        if reading.ident is not None:
            reading.join()
        server.stdout.close()


@contextmanager
def s3_server() -> Iterator[str]:
    """moto's server."""
    with serving(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]) as url:
        yield url


@contextmanager
def failing_proxy(server: str, seed: int, fraction: float) -> Iterator[str]:
    """A proxy that fails this fraction of the requests."""
    with serving(
        ["-m", "tests.object_store", "--server", server, "--seed", str(seed), "--fraction", str(fraction)]
    ) as url:
        yield url


def environment_of(url: str) -> dict[str, str]:
    """What a process needs to know of the store."""
    return {
        **CANARIES,
        "AWS_ENDPOINT_URL": url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        TIMEOUT_VARIABLE: str(TIMEOUT_SECONDS),
    }


def make_bucket() -> None:
    """In the store of the environment."""
    client().call_s3("create_bucket", Bucket=BUCKET)


def client() -> s3fs.S3FileSystem:
    """One that asks the store itself, and nothing of ours."""
    return s3fs.S3FileSystem(use_listings_cache=False, endpoint_url=os.environ["AWS_ENDPOINT_URL"])


def object_digests(place: ObjectPath) -> dict[str, str]:
    """Name -> digest of every object below a place, but those of logs/."""
    below = sorted(place.files_below())
    names = {str(path).removeprefix(f"{place}/"): path for path in below}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if not name.startswith("logs/")
    }


def open_uploads() -> list[str]:
    """Keys of uploads in parts that nobody finished or aborted."""
    found = client().call_s3("list_multipart_uploads", Bucket=BUCKET)
    return [upload["Key"] for upload in found.get("Uploads", ())]


class _Proxy(ThreadingHTTPServer):
    """Hands requests on, or fails them. The n-th request fails or not by the seed, whoever sends it."""

    daemon_threads = True

    def __init__(self, server: str, seed: int, fraction: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        parts = urlsplit(server)
        self.server_host, self.server_port_ = str(parts.hostname), int(parts.port or 80)
        self.seed, self.fraction = seed, fraction
        self.numbers = itertools.count()

    def fault(self) -> str | None:
        number = next(self.numbers)
        chance = random.Random(f"{self.seed}/{number}")
        return chance.choice(FAULTS) if chance.random() < self.fraction else None

    def handle_error(self, request: object, client_address: object) -> None:
        """Connections break here on purpose."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Proxy

    def _handle(self) -> None:
        body = self._body()
        fault = self.server.fault()
        if fault == "reset":
            self._hang_up()
            return
        if fault in ("500", "503"):
            code = "InternalError" if fault == "500" else "SlowDown"
            self._answer(
                int(fault), {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode()
            )
            return
        status, headers, answer = self._asked(body)
        if fault == "slow":
            time.sleep(2 * TIMEOUT_SECONDS)
        if fault == "reset after it was done":
            self._hang_up()
            return
        self._answer(status, headers, answer, len(answer) // 2 if fault == "truncated" else len(answer))

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _handle  # noqa: N815 -- http.server's names

    def _body(self) -> bytes:
        if self.headers.get("Expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _asked(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.server.server_host, self.server.server_port_)
        dropped = ("connection", "transfer-encoding", "content-length", "expect")
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        if body or self.command in ("PUT", "POST"):
            headers["Content-Length"] = str(len(body))
        connection.request(self.command, self.path, body, headers)
        found = connection.getresponse()
        kept = {name: value for name, value in found.getheaders() if name.lower() not in dropped[:2]}
        answer = found.read()
        connection.close()
        return found.status, kept, answer

    def _answer(self, status: int, headers: dict[str, str], body: bytes, sent: int | None = None) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:sent])
        if sent is not None and sent < len(body):
            self._hang_up()

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def main() -> None:
    """Serves until it is killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--server", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--fraction", type=float, required=True)
    given = parser.parse_args()
    proxy = _Proxy(given.server, given.seed, given.fraction)
    print(f"http://127.0.0.1:{proxy.server_address[1]}", flush=True)  # noqa: T201 -- who started it reads it
    proxy.serve_forever()


if __name__ == "__main__":
    main()
