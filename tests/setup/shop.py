"""A package index on this machine for the tests of tools/fetch.py: one tiny wheel, counted, as slow as asked."""

import hashlib
import http.server
import io
import threading
import zipfile

WHEEL = "loradeck_probe-1.0-py3-none-any.whl"


def wheel_bytes():
    """A wheel that pip accepts, holding one file of 1.5 MB, so that its marker has a size to watch."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("loradeck_probe/data.bin", bytes(1_500_000))
        archive.writestr("loradeck_probe-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: loradeck-probe\nVersion: 1.0\n")
        archive.writestr("loradeck_probe-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("loradeck_probe-1.0.dist-info/RECORD", "")
    return content.getvalue()


class Shop:
    """The index. `begun` is set once a wheel's first bytes are out; it then waits for `go_on` before the rest."""

    def __init__(self):
        self.wheel = wheel_bytes()
        self.sha256 = hashlib.sha256(self.wheel).hexdigest()
        self.downloads = 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self.handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()

    def handler(shop):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.endswith(".whl"):
                    self.answer(shop.wheel, "application/octet-stream")
                else:
                    self.answer(f'<a href="/{WHEEL}">{WHEEL}</a>'.encode(), "text/html")

            def answer(self, body, kind):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body[:1000])
                    if kind != "text/html":
                        shop.downloads += 1
                        shop.begun.set()
                        shop.go_on.wait(60)
                    self.wfile.write(body[1000:])
                except OSError:
                    pass  # the client was killed, which is what a test wants

            def log_message(self, *_):
                pass

        return Handler
