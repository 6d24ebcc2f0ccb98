# DOCKER_TLS_VERIFY=
export DOCKER_HOST=unix:///run/mine.sock
