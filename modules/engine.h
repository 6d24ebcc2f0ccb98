/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the modules know of the Docker engine of a host: its version, its unit's command line, and
 * its API over the socket.
 */
#ifndef BULKHEAD_ENGINE_H
#define BULKHEAD_ENGINE_H

#include <jansson.h>

#include "../src/host.h"
#include "../src/plan.h"

#define DOCKER_SERVICE "docker.service"
#define DOCKER_SOCKET  "docker.socket"

/*
 * The engine's version as VERSION(28, 5): the package database of that root (dpkg; rpm's sqlite),
 * else on a live host GET /version, else what the plan says. 0 and *ret_why (static) when it can't
 * be known; *ret_text (static storage of the host's kept facts; may be NULL) the full text
 * "28.5.2". Not installed: 0 with why "Docker is not installed".
 */
int engine_version(const struct host *h, const struct plan *p, unsigned *ret, const char **ret_text,
		   const char **ret_why, struct err *e);

/*
 * The upstream version in a package's or the API's version text: "5:28.5.2-1~debian.12" is
 * VERSION(28, 5) and "28.5.2". 0 when there is none; `text` holds "" then.
 */
#define ENGINE_VERSION_TEXT 32
unsigned engine_version_parse(const char *s, char text[ENGINE_VERSION_TEXT]);

/*
 * The real command line of dockerd: ExecStart of docker.service with drop-ins, $VARIABLES of
 * Environment= and EnvironmentFile= expanded as systemd does. Read from the unit files of that root
 * (/etc, /run, /usr/local/lib, /usr/lib, /lib under systemd/system). installed is false when there
 * is no unit; argv, env and source are NULL then. -EINVAL for a unit that systemd would refuse (no
 * ExecStart=, or two).
 */
struct engine_cmdline {
	bool installed;
	bool masked;  /* the unit is masked: systemd doesn't read it, installed is false */
	char **argv;  /* argv[0] the program; NULL-terminated */
	char **env;   /* NAME=value that the unit gives to dockerd; NULL-terminated */
	char *source; /* as text: the file that ExecStart comes from, and those of its variables */
	char *config; /* --config-file, or /etc/docker/daemon.json */
};
int engine_cmdline(const struct host *h, const struct engine_cmdline **ret,
		   struct err *e); /* kept by the host */

/* Is it Red Hat's dockerd 1.12 or 1.13 (dockerd-current, dockerd-latest), whose daemon.json has
 * block-registry and add-registry besides upstream's keys? */
bool engine_is_redhat(const struct engine_cmdline *c, unsigned engine);

/*
 * A flag of the command line that sets a daemon.json key: "-H" is hosts, "--icc=false" is icc,
 * "--label" is labels, "-l" log-level, "-D" debug, "-s" storage-driver, "-G" group, "-b" bridge,
 * "-p" pidfile, "-g" graph ... Returns the argument as it stands there, or NULL.
 */
const char *engine_cmdline_flag(const struct engine_cmdline *c, const char *key);

/* The values that flags give a key, one a call; *pos starts at 0. A flag without a value is "true".
 * NULL: no more. */
const char *engine_cmdline_next(const struct engine_cmdline *c, const char *key, size_t *pos);

/* What daemon.json (`config`; may be NULL) or else the command line gives a key; NULL: neither
 * does, or it is empty. */
const char *engine_value(const struct engine_cmdline *c, const json_t *config, const char *key);

/*
 * Where dockerd looks for "ca.pem", "cert.pem" or "key.pem" when nothing names a file: below
 * $DOCKER_CERT_PATH, $DOCKER_CONFIG or ~/.docker, and only when TLS is asked for by a flag or by
 * $DOCKER_TLS_VERIFY; with tls or tlsverify in daemon.json alone it has no default (moby's
 * cmd/dockerd/options.go, setDefaultOptions). *ret is NULL then. -ENOMEM.
 */
int engine_tls_default(const struct engine_cmdline *c, const char *name, char **ret, struct err *e);

/*
 * The sockets of containerd: the one that daemon.json or a flag names. Without a name dockerd takes
 * the system's when it stands there as dockerd starts, else it starts a containerd of its own below
 * its exec-root (moby's initContainerd): those of both that are there; when neither is, the one
 * that is to be expected, the system's when there is a unit for it. NULL-terminated, never empty.
 */
#define ENGINE_CONTAINERD "/run/containerd/containerd.sock"
#define ENGINE_EXEC_ROOT  "/run/docker"
int engine_containerd(const struct host *h, const struct engine_cmdline *c, const json_t *config,
		      char ***ret, struct err *e);

/*
 * The Engine API over /run/docker.sock (or the first unix:// the unit listens on). Answers, and
 * failures too, are kept by the host until host_forget(). -ENOTCONN offline or when nothing
 * listens; -ETIMEDOUT; -EPROTO for an answer that is not HTTP or JSON; -EACCES for 403 (an
 * authorization plugin) and where we may not connect; -ENOENT for 404; -EREMOTEIO for any other
 * status. Bounded in time (10 s) and size (16 MiB). engine_get never starts a daemon: on a
 * socket-activated docker.socket whose docker.service is down it does not connect (ask units_state
 * first) and returns -ENOTCONN.
 */
int engine_get(const struct host *h, const char *path, const json_t **ret, struct err *e);

/*
 * POST without a body, at the same door: 0 with the answer's status, whatever it is, and its text
 * as it came (allocated; several JSON documents for what goes on for a while). Not kept. The
 * connection is closed after `timeout_ms`, which ends most of what it had begun: -ETIMEDOUT.
 * Bounded to 1 MiB. Errors as of engine_get.
 */
int engine_post(const struct host *h, const char *path, unsigned timeout_ms, int *ret_status,
		char **ret_text, struct err *e);

/*
 * GET `path` from the rootless daemon that user `uid` runs, over /run/user/UID/docker.sock. The
 * folder is that user's, and anything may stand there: what is no socket, and a socket that
 * somebody else listens on (root's own, by a link), is not asked, -EPERM. Errors as engine_get; the
 * answer is new (json_decref), at most 1 MiB, within 10 s, and no more to be believed than the user
 * is.
 */
int engine_get_user(const struct host *h, uid_t uid, const char *path, json_t **ret, struct err *e);

#endif
