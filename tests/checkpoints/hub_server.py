"""A Hugging Face Hub of one machine: as much of it as a push and a load use."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = 'a' * 40


class Hub(ThreadingHTTPServer):
    """Keep files by repository; `asked` lists what clients asked for."""

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.repos, self.asked = {}, []
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self):
        return f'http://127.0.0.1:{self.server_port}'

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, content, status=200, headers=None):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        self.server.asked.append((self.path, self.headers.get('Authorization')))
        place = self.path.split('?')[0].strip('/').split('/')
        if place[-1] == 'create':
            asked = json.loads(body)
            name = asked['name']
            if '/' not in name:
                name = f'{asked.get("organization") or "you"}/{name}'
            if self.headers.get('Authorization') is None:
                return self.answer(dict(error='Invalid username or password.'), 401)
            self.server.repos.setdefault(name, {})
            return self.answer(dict(url=f'{self.server.address}/{name}', name=name))
        if 'preupload' in place:
            files = [
                dict(path=file['path'], uploadMode='regular', shouldIgnore=False)
                for file in json.loads(body)['files']
            ]
            return self.answer(dict(files=files))
        if 'commit' in place:
            name = '/'.join(place[2:4])
            for line in map(json.loads, body.splitlines()):
                if line['key'] == 'file':
                    content = base64.b64decode(line['value']['content'])
                    self.server.repos[name][line['value']['path']] = content
            url = f'{self.server.address}/{name}/commit/{COMMIT}'
            return self.answer(
                dict(success=True, commitOid=COMMIT, commitUrl=url, hookOutput='')
            )
        return self.answer(dict(errors=[], warnings=[]))

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get('Authorization')))
        place = self.path.split('?')[0].strip('/').split('/')
        if 'resolve' in place:
            name, file = '/'.join(place[:2]), '/'.join(place[4:])
            content = self.server.repos.get(name, {}).get(file)
            if content is None:
                missing = (
                    'EntryNotFound' if name in self.server.repos else 'RepoNotFound'
                )
                return self.answer(b'', 404, {'X-Error-Code': missing})
            headers = {
                'ETag': f'"{hashlib.sha1(content).hexdigest()}"',
                'X-Repo-Commit': COMMIT,
            }
            return self.answer(content, headers=headers)
        name = '/'.join(place[2:4])
        if name not in self.server.repos:
            return self.answer(b'', 404, {'X-Error-Code': 'RepoNotFound'})
        return self.answer(dict(id=name, sha=COMMIT, siblings=[], tags=[]))

    do_HEAD = do_GET
