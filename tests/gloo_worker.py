"""One of the two processes of the `gloo` fixture; started by tests/conftest.py.

It joins the process group, then runs functions of test files by file and name:
test modules have no importable name under pytest's importlib mode.
"""

import importlib.util
import os
import pickle
import sys
import traceback
from datetime import timedelta
from multiprocessing.connection import Client

import torch

import rsp  # noqa: F401  first: see rsp/compat.py

# isort: split
import singletons


def load(file):
    spec = importlib.util.spec_from_file_location('job', file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    rank, port, host, tests_port = sys.argv[1:]
    key = bytes.fromhex(os.environ['GLOO_WORKER_KEY'])
    torch.set_num_threads(1)
    start = os.getcwd()
    store = f'tcp://127.0.0.1:{port}'
    torch.distributed.init_process_group(
        'gloo',
        init_method=store,
        rank=int(rank),
        world_size=2,
        timeout=timedelta(seconds=60),
    )
    with Client((host, int(tests_port)), authkey=key) as tests:
        tests.send(rank)
        while True:
            try:
                job = tests.recv()
            except EOFError:
                return
            if job is None:
                return
            file, name, arguments = job
            try:
                torch.manual_seed(int(rank))
                with singletons.left_alone():
                    answer = True, getattr(load(file), name)(*arguments)
            except Exception:
                answer = False, traceback.format_exc()
            # A function may have gone to its test's folder, which will not last.
            os.chdir(start)
            # Plain bytes: a tensor sent as such would be shared by file descriptor.
            tests.send_bytes(pickle.dumps(answer))


if __name__ == '__main__':
    main()
