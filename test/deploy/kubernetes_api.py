"""A stand-in for Kubernetes' API server: list and watch of services, endpoints and pods.

It serves what Prometheus' service discovery asks for, and nothing else; each request is written down
as (verb, resource), so that a test can hold them against a ClusterRole.
"""

import copy
import http.server
import itertools
import json
import queue
import threading
import urllib.parse

from stack import ports

LISTS = {"services": "ServiceList", "endpoints": "EndpointsList", "pods": "PodList"}
KINDS = {"services": "Service", "endpoints": "Endpoints", "pods": "Pod"}


class KubernetesApi:
    """Objects are put and removed by (resource, object); who watches hears of it at once."""

    def __init__(self):
        self._lock = threading.Lock()
        self._versions = itertools.count(1)
        self._version = 1
        self._objects = {resource: {} for resource in LISTS}
        self._watchers = {resource: [] for resource in LISTS}
        self.asked = set()
        self.refused = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                api._answer(self)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((ports.LOOPBACK, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{ports.LOOPBACK}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def put(self, resource, one):
        """Adds the object, or changes the one of its name."""
        with self._lock:
            self._version = next(self._versions)
            one = copy.deepcopy(one)
            one.update(apiVersion="v1", kind=KINDS[resource])
            metadata = one["metadata"]
            metadata.update(resourceVersion=str(self._version), uid=f"uid-{metadata['name']}")
            key = (metadata["namespace"], metadata["name"])
            event = "MODIFIED" if key in self._objects[resource] else "ADDED"
            self._objects[resource][key] = one
            self._tell(resource, event, one)

    def remove(self, resource, namespace, name):
        with self._lock:
            self._version = next(self._versions)
            one = self._objects[resource].pop((namespace, name))
            one["metadata"]["resourceVersion"] = str(self._version)
            self._tell(resource, "DELETED", one)

    def _tell(self, resource, event, one):
        for watcher in self._watchers[resource]:
            watcher.put({"type": event, "object": copy.deepcopy(one)})

    def _answer(self, request):
        target = urllib.parse.urlsplit(request.path)
        asked = urllib.parse.parse_qs(target.query)
        resource = target.path.removeprefix("/api/v1/")
        if resource not in LISTS:
            self.refused.append(request.path)
            request.send_error(404)
        elif asked.get("watch") == ["true"] or asked.get("watch") == ["1"]:
            self.asked.add(("watch", resource))
            self._watch(request, resource, int(asked.get("resourceVersion", ["0"])[0]))
        else:
            self.asked.add(("list", resource))
            self._list(request, resource)

    def _list(self, request, resource):
        with self._lock:
            body = json.dumps({
                "kind": LISTS[resource], "apiVersion": "v1",
                "metadata": {"resourceVersion": str(self._version)},
                "items": list(self._objects[resource].values())}).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _watch(self, request, resource, since):
        """A stream of events, beginning with what is newer than `since`, until the other side leaves."""
        events = queue.Queue()
        with self._lock:
            for one in self._objects[resource].values():
                if int(one["metadata"]["resourceVersion"]) > since:
                    events.put({"type": "ADDED", "object": copy.deepcopy(one)})
            self._watchers[resource].append(events)
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        try:
            while (event := events.get()) is not None:
                line = json.dumps(event).encode() + b"\n"
                request.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                request.wfile.flush()
        except OSError:
            pass
        finally:
            with self._lock:
                self._watchers[resource].remove(events)
            request.close_connection = True

    def stop(self):
        with self._lock:
            for watchers in self._watchers.values():
                for watcher in watchers:
                    watcher.put(None)
        self._server.shutdown()
        self._server.server_close()
