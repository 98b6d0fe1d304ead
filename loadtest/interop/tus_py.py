"""One upload, or one stretch of it, by tuspy. What is worth knowing is printed, one fact a line: `name value`.

Bytes leave at a pace, so that "in the middle" means something on one machine too. The client itself is as it comes: only the body
that it hands to `requests` is slowed, and counted.
"""

import argparse
import asyncio
import io
import os
import signal
import sys
import time

from tusclient import client, exceptions, request
from tusclient.storage.filestorage import FileStorage

PIECE = 64 * 1024


def fact(name, value):
    """At once: a process that is killed has said everything up to then."""
    print(name, value, flush=True)


class BrokenOff(Exception):
    """The upload was to end here."""


class Paced(io.BytesIO):
    """A body that leaves in pieces of equal size at equal intervals, and breaks off when it is time."""

    def __init__(self, chunk, line):
        super().__init__(chunk)
        self.line = line

    def read(self, size=-1):
        piece = super().read(min(PIECE, size) if size and size > 0 else PIECE)
        if self.line.sent >= self.line.break_after:
            fact("sent", self.line.sent)
            if self.line.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise BrokenOff
        self.line.sent += len(piece)
        time.sleep(len(piece) / self.line.pace)
        return piece


class Line:
    """What `requests.patch` is replaced by: the same, slower, and for one chunk with a fault on the way."""

    def __init__(self, args):
        self.pace, self.how = args.pace, args.how
        self.break_after = args.break_after or float("inf")
        self.damage = args.damage
        self.sent = 0
        self.patch = request.requests.patch

    def __call__(self, url, data, **options):
        if self.damage and len(data) > 0:
            # After the checksum was taken: as a bad line would.
            self.damage = False
            data = data[:-1] + bytes([data[-1] ^ 1])
        answer = self.patch(url, data=Paced(data, self), **options)
        heard("PATCH", answer)
        return answer


def heard(method, answer):
    """Says what an answer told."""
    fact("answer", f"{method} {answer.status_code}")
    for name, field in [("expires", "upload-expires"), ("asset", "content-location")]:
        if field in answer.headers:
            fact(name, answer.headers[field])


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--endpoint", required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--memory", help="where the client keeps the addresses of its uploads between two processes")
    parser.add_argument("--url", help="goes on with this upload, whoever began it")
    parser.add_argument("--break-after", type=int, help="ends after so many bytes of this process")
    parser.add_argument("--how", choices=["abort", "kill"], default="abort")
    parser.add_argument("--chunk", type=int, default=sys.maxsize)
    parser.add_argument("--checksum", action="store_true")
    parser.add_argument("--damage", action="store_true", help="the last byte of the first chunk changes on the way")
    parser.add_argument("--retries", type=int, default=0)
    parser.add_argument("--asynchronous", action="store_true")
    parser.add_argument("--pace", type=int, default=16_000_000, help="bytes a second")
    return parser.parse_args()


def main():
    """Uploads."""
    args = arguments()
    tus = client.TusClient(args.endpoint, headers={"Authorization": "Bearer " + os.environ["INTEROP_TOKEN"]})
    line = Line(args)
    request.requests.patch = line
    options = {
        "chunk_size": args.chunk,
        "metadata": {"filename": os.path.basename(args.file), "title": "Interop"},
        "upload_checksum": args.checksum,
        "retries": args.retries,
        "retry_delay": 0,
    }
    if args.memory:
        options |= {"store_url": True, "url_storage": FileStorage(args.memory)}
    if args.url:
        options["url"] = args.url
    make = tus.async_uploader if args.asynchronous else tus.uploader
    uploader = make(args.file, **options)
    if uploader.url:
        fact("resumed-from", uploader.offset)
    try:
        if args.asynchronous:
            asyncio.run(uploader.upload())
        else:
            uploader.upload()
    except BrokenOff:
        fact("url", uploader.url)
        fact("ended", args.how)
        return 0
    except exceptions.TusCommunicationError as error:
        fact("status", error.status_code)
        fact("error", str(error).replace("\n", " "))
        return 1
    fact("url", uploader.url)
    fact("ended", "success")
    return 0


if __name__ == "__main__":
    sys.exit(main())
