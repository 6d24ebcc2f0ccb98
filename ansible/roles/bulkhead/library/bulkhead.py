#!/usr/bin/python
# SPDX-License-Identifier: Apache-2.0
"""Ansible's side of bulkhead: runs it on one host, and says what its own JSON report says."""

DOCUMENTATION = r"""
module: bulkhead
short_description: Hardens a host that runs Docker, from one plan
description:
  - Runs C(bulkhead apply) on the host, or C(bulkhead diff) in check mode, and reports what its JSON document says.
  - With C(files) it brings the plan and its layers along. They are validated first, and when the host can't be made so, the files that were there come back with the rest.
options:
  plan:
    description: Where the plan is on the host.
    type: path
    default: /etc/bulkhead/plan.yaml
  files:
    description: Names and texts (or mappings) of the plan and of what it includes, for the plan's folder. Other files there stay. The texts are neither logged nor returned. Symbolic links are not replaced.
    type: dict
  state:
    description: C(applied) makes the host as the plan wants it. C(checked) only looks, never changes, and returns the findings.
    type: str
    choices: [applied, checked]
    default: applied
  restart:
    description: Whether units may be restarted, as the plan's policy has it. Else what waits for a restart is told in C(restart_pending).
    type: bool
    default: true
  root:
    description: A tree on the host to work on instead of the host itself, for images.
    type: path
  executable:
    description: The program.
    type: str
    default: bulkhead
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
"""

EXAMPLES = r"""
- name: As the plan wants it
  bulkhead:
    files:
      plan.yaml: |
        version: 1
        include: [site.yaml]
      site.yaml: "{{ lookup('ansible.builtin.file', 'site.yaml', rstrip=False) }}"

- name: How far is it from there?
  bulkhead:
    state: checked
  register: looked
"""

RETURN = r"""
result: {description: what the run came to, type: str, returned: always, sample: changed}
transaction: {description: its number in the host's history, type: int, returned: when something was changed}
findings: {description: what the host shows, type: list, returned: always}
score: {description: controls of the benchmark, type: dict, returned: when checked}
restart_pending: {description: files are right and a daemon has not taken them yet, type: bool, returned: always}
drift: {description: whether something differs, type: bool, returned: in check mode and when checked}
plan: {description: path and sums of the plan's files, type: dict, returned: always}
"""

import json
import os
import shutil
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_bytes

SIZE_MAX = 1024 * 1024  # of a file of a plan, as bulkhead takes it


class Failed(Exception):
    """What bulkhead said, and its document."""

    def __init__(self, text, document=None):
        Exception.__init__(self, text)
        self.document = document or {}


def read(path):
    """A file, or enough of it to be too large."""
    try:
        with open(path, 'rb') as f:
            return f.read(SIZE_MAX + 1)
    except (IOError, OSError):
        return None


def write(path, content):
    """Replaced as a whole, with the group and mode that it had, as far as bulkhead trusts such a plan."""
    fd, name = tempfile.mkstemp(dir=os.path.dirname(path), prefix='.bulkhead-')
    try:
        with os.fdopen(fd, 'wb') as f:
            f.write(content)
            if os.path.exists(path):
                st = os.stat(path)
                os.fchown(f.fileno(), -1, st.st_gid)
                os.fchmod(f.fileno(), st.st_mode & 0o755)
            f.flush()
            os.fsync(f.fileno())
        os.rename(name, path)
    except Exception:
        os.unlink(name)
        raise


class Plan(object):
    """The plan's folder: what is to be there, and a private copy of all of it to try first."""

    def __init__(self, path, files):
        self.path, self.dir, self.name = path, os.path.dirname(path) or '.', os.path.basename(path)
        self.files = dict((k, self.encoded(k, v)) for k, v in files.items())
        for name in self.files:
            if os.path.basename(name) != name or name in ('', '.', '..'):
                raise Failed("files: '%s' is no file name: all stand in the plan's own folder" % name)
        for name in sorted(set(self.files) | set([self.name])):
            self.refuse_odd(os.path.join(self.dir, name))
        self.before = dict((name, read(os.path.join(self.dir, name))) for name in self.files)
        self.changed = sorted(name for name in self.files if self.files[name] != self.before[name])
        self.placed, self.kept, self.made = [], {}, []
        self.missing = self.folders_missing()
        self.stage = tempfile.mkdtemp(prefix='bulkhead-plan-')

    @staticmethod
    def encoded(name, value):
        """A mapping is a plan all the same: templating makes one of a text that looks like one. JSON is YAML."""
        if isinstance(value, dict):
            value = json.dumps(value, indent=2, ensure_ascii=False) + '\n'
        if not hasattr(value, 'encode'):
            kind = {'NoneType': 'null', 'list': 'a list', 'bool': 'true or false'}.get(type(value).__name__, 'a number')
            raise Failed("files: '%s' is %s, not text: write it as text (%s: |) or as a mapping" % (name, kind, name))
        return value.encode('utf-8')

    @staticmethod
    def refuse_odd(path):
        """What can't be replaced and come back as it was is left alone."""
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            return
        if stat.S_ISLNK(mode):
            raise Failed("'%s' is a symbolic link, to '%s': files puts files beside the plan, and replaces no link. "
                         "Give the plan's real path, or remove the link" % (path, os.readlink(path)))
        if not stat.S_ISREG(mode):
            raise Failed("'%s' is no regular file: files does not replace it. Remove it, or give another path" % path)

    def folders_missing(self):
        """What of the way to the plan's folder is to be made, from above."""
        missing, path = [], self.dir
        while not os.path.lexists(path):
            missing.insert(0, path)
            path = os.path.dirname(path) or '.'
        if not os.path.isdir(path):
            raise Failed("'%s' is no folder, so there can be no plan '%s'" % (path, self.path))
        return missing

    def copy(self):
        """Plan and files, and of what is beside the plan whatever one of the copied names, as an include does."""
        left = set(os.listdir(self.dir) if os.path.isdir(self.dir) else []) - set(self.files)
        named = list(self.files)
        if self.name in left:
            left.remove(self.name)
            named.append(self.name)
        while named:
            name = named.pop()
            there, path = os.path.join(self.dir, name), os.path.join(self.stage, name)
            text = self.files.get(name)
            if text is not None:
                write(path, text)
            elif os.path.islink(there):
                os.symlink(os.readlink(there), path)  # bulkhead itself says what it thinks of it
            elif os.path.isdir(there):
                os.mkdir(path)
            elif not os.path.isfile(there):
                os.mkfifo(path)
            else:
                text = read(there)
                write(path, text or b'')
                st = os.stat(there)
                os.chown(path, st.st_uid, st.st_gid)
                os.chmod(path, st.st_mode & 0o777)
            found = [n for n in left if to_bytes(n) in (text or b'')]
            left.difference_update(found)
            named += found

    def staged(self):
        return os.path.join(self.stage, self.name)

    def shown(self, value):
        """What is told about the copy, as of the folder."""
        if isinstance(value, dict):
            return dict((k, self.shown(v)) for k, v in value.items())
        if isinstance(value, list):
            return [self.shown(v) for v in value]
        return value.replace(self.stage + '/', self.dir + '/') if hasattr(value, 'replace') else value

    def place(self):
        for path in self.missing:
            os.mkdir(path)
            self.made.append(path)
            os.chmod(path, 0o755)
        for name in self.changed:
            path = os.path.join(self.dir, name)
            if self.before[name] is not None:
                kept = '%s/.bulkhead-%s-before' % (self.dir, name)
                if os.path.lexists(kept):
                    os.unlink(kept)  # of a run that was killed
                os.link(path, kept)
                self.kept[name] = kept
            self.placed.append(name)
            write(path, self.files[name])

    def put_back(self):
        """The very files that were there, whatever their owners, modes and attributes."""
        for name in self.placed:
            path = os.path.join(self.dir, name)
            if name in self.kept:
                os.rename(self.kept[name], path)
                if os.path.lexists(self.kept[name]):  # it is the same file still
                    os.unlink(self.kept[name])
                del self.kept[name]
            elif os.path.exists(path):
                os.unlink(path)
        while self.made:
            os.rmdir(self.made.pop())
        self.placed = []

    def settle(self):
        while self.kept:
            os.unlink(self.kept.popitem()[1])

    def done(self):
        shutil.rmtree(self.stage, ignore_errors=True)


def run(module, program, *args):
    """Runs a command; its document, whatever it says. What prints none has failed."""
    argv = [program] + [a for a in args if a is not None] + ['--output', 'json']
    rc, out, err = module.run_command(argv)
    try:
        document = json.loads(out)
    except ValueError:
        raise Failed((err or out or 'it printed nothing').strip() + ' (%s ended with %d)' % (argv[1], rc))
    if rc in (0, 2) and 'exit_code' in document:
        return document
    told = document.get('mistakes', []) + document.get('refusals', []) + document.get('failed', [])
    lines = ['%s%s' % (t['where'] + ': ' if t['where'] else '', t['text']) for t in told]
    if document.get('error'):
        lines.insert(0, document['error'])
    raise Failed('\n'.join(lines) or 'bulkhead %s ended with %d' % (argv[1], rc), document)


def units_now(document):
    return [u for u in document.get('units', []) if u['pending'] is None]


def diff_text(document):
    text = ''.join(c['diff'] or '%s: %s\n' % (c['kind'], c['path']) for c in document['changes'])
    text += ''.join('run: %s\n' % ' '.join(c['argv']) for c in document['commands'])
    units = ['%s: %s\n' % (u['action'], u['unit']) for u in units_now(document)]
    return text + ''.join(u for i, u in enumerate(units) if u not in units[:i])


def facts(document):
    """What of a document is returned."""
    keys = ('result', 'findings', 'score', 'plan', 'notes', 'transaction')
    result = dict((k, document[k]) for k in keys if document.get(k) is not None)
    result['restart_pending'] = any(u['pending'] is not None for u in document.get('units', [])) or any(
        f['state'] == 'pending' for f in document.get('findings', []))
    return result


def work(module, program, plan, result):
    params = module.params
    tree = ['--root', params['root']] if params['root'] else []
    wait = [] if params['restart'] else ['--no-restart']
    where = params['plan']

    if plan:
        plan.copy()
        run(module, program, 'validate', plan.staged())
        where = plan.staged()
    if params['state'] == 'checked':
        document = run(module, program, 'check', where, *tree + wait)
        result.update(facts(document), drift=document['exit_code'] == 2)
        return
    if module.check_mode:
        document = run(module, program, 'diff', where, *tree + wait)
        does = bool(document['changes'] or document['commands'] or units_now(document))
        result.update(facts(document), drift=document['exit_code'] == 2, changed=does)
    else:
        if plan:
            plan.place()
        document = run(module, program, 'apply', params['plan'], *tree + wait)
        result.update(facts(document), changed=document['result'] == 'changed' or document['recovered'])
    text = diff_text(document)
    if plan and plan.changed:
        result['changed'] = True
        text = ''.join('plan: %s\n' % os.path.join(plan.dir, name) for name in plan.changed) + text
    if text:
        result['diff'] = [{'prepared': text}]


def texts_taken(module):
    """
    The files. Their texts leave the parameters, which are returned. They must not be masked wherever they occur, as
    no_log would: of a short one, little else would be left to read. What bulkhead prints has no secrets.
    """
    files = module.params['files']
    module.params['files'] = files and dict.fromkeys(files, 'VALUE_SPECIFIED_IN_NO_LOG_PARAMETER')
    module.no_log_values.clear()
    return files


def main():
    module = AnsibleModule(
        argument_spec=dict(
            plan=dict(type='path', default='/etc/bulkhead/plan.yaml'),
            files=dict(type='dict', no_log=True),
            state=dict(type='str', choices=['applied', 'checked'], default='applied'),
            restart=dict(type='bool', default=True),
            root=dict(type='path'),
            executable=dict(type='str', default='bulkhead'),
        ),
        supports_check_mode=True,
    )
    files = texts_taken(module)
    program = module.get_bin_path(module.params['executable'], required=True)
    result = dict(changed=False, restart_pending=False)
    plan, failed = None, None
    try:
        if files:
            plan = Plan(module.params['plan'], files)
        work(module, program, plan, result)
    except Failed as e:
        failed = str(e)
        result.update((k, v) for k, v in facts(e.document).items() if k in ('result', 'restart_pending'))
        # What an interrupted run had left was put back first, whatever came then.
        result['changed'] = bool(e.document.get('result') == 'stuck' or e.document.get('recovered'))
    except (IOError, OSError) as e:
        failed = str(e)
    if plan:
        try:
            plan.put_back() if failed else plan.settle()
        except (IOError, OSError) as e:
            # What is kept stays: it may be all that is left of the plan that was there.
            left = "The plan's files in '%s' are not as they should be: %s. Those of before: %s" % (
                plan.dir, e, ', '.join(sorted(plan.kept.values())) or 'none')
            failed = '%s\n%s' % (failed, left) if failed else left
            result['changed'] = True
        plan.done()
        failed, result = plan.shown(failed), plan.shown(result)
    if failed:
        module.fail_json(msg=failed, **result)
    module.exit_json(**result)


if __name__ == '__main__':
    main()
