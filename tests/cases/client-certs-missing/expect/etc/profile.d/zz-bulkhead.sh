# Written by bulkhead from the plan's "client" section: change the plan, not this file.
export DOCKER_HOST='tcp://docker.example.com:2376'
export DOCKER_TLS_VERIFY='1'
export DOCKER_CERT_PATH='/etc/docker/client'
