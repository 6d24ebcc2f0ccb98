#!/bin/sh
# Knows of slirp4netns and pasta.
