# SPDX-License-Identifier: Apache-2.0
"""A connection into a systemd-nspawn container by its first process: it need not be registered with machined."""

DOCUMENTATION = r"""
name: nspawn
short_description: Enters the namespaces of a container's first process
options:
  leader:
    description: The container's first process, as this machine numbers it.
    vars: [{name: nspawn_leader}]
    type: int
    required: true
"""

import shutil
import subprocess

from ansible.errors import AnsibleError
from ansible.plugins.connection import ConnectionBase

PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


class Connection(ConnectionBase):
    transport = 'nspawn'
    has_pipelining = True

    def _connect(self):
        self._connected = True
        return self

    def close(self):
        self._connected = False

    def _run(self, argv, **streams):
        enter = ['nsenter', '-t', str(self.get_option('leader')), '-a', '-r', 'env', '-i', 'HOME=/root', 'LANG=C.UTF-8', PATH]
        return subprocess.Popen(enter + argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **streams)

    def exec_command(self, cmd, in_data=None, sudoable=True):
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        p = self._run(['/bin/sh', '-c', cmd], stdin=subprocess.PIPE)
        out, err = p.communicate(in_data)
        return p.returncode, out, err

    def put_file(self, in_path, out_path):
        with open(in_path, 'rb') as f:
            p = self._run(['dd', 'status=none', 'of=' + out_path], stdin=f)
            _, err = p.communicate()
        if p.returncode:
            raise AnsibleError("can't write %s: %s" % (out_path, err.decode()))

    def fetch_file(self, in_path, out_path):
        p = self._run(['cat', in_path], stdin=subprocess.DEVNULL)
        with open(out_path, 'wb') as f:
            shutil.copyfileobj(p.stdout, f)
        if p.wait():
            raise AnsibleError("can't read %s" % in_path)
