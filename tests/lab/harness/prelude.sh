# Copyright (c) 2026, the incident.response contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the blocks of a case have at hand. HERE is a folder of the case's own.
#   start NAME COMMAND ...            runs a command in the background, and notes its pid as NAME
#   start_as NAME ARGV0 COMMAND ...   as start, with another first argument
#   note NAME VALUE                   keeps a value that expectations may use as $NAME;  noted NAME  prints it
#   await COMMAND ...                 waits until a command succeeds, ten seconds at most
#   refuse COMMAND ...                succeeds when a command fails
#   locked COMMAND ...                runs a command that changes passwd or shadow, while no other case does
#   account NAME, no_account NAME     makes an account and takes it away
#   silent NAME FOLDER PROGRAM        mounts a file system (silent_file_system.py) that never answers after  kill -USR1 "$(noted NAME)"
#   serve NAME PYTHON                 runs lines of Python, with socket at hand, and keeps what they opened
note() { printf '%s' "$2" >"$HERE/note.$1"; }
noted() { cat "$HERE/note.$1"; }
start() {
  local name=$1
  shift
  "$@" </dev/null >/dev/null 2>&1 &
  note "$name" $!
}
start_as() {
  local name=$1 zero=$2
  shift 2
  (exec -a "$zero" "$@") </dev/null >/dev/null 2>&1 &
  note "$name" $!
}
await() {
  local _
  for _ in $(seq 100); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  "$@"
}
refuse() { if "$@" >/dev/null 2>&1; then return 1; fi; }
locked() { flock "${HERE%/*}/accounts.lock" "$@"; }
account() { id -u "$1" >/dev/null 2>&1 || locked useradd --create-home --shell /bin/bash "$1"; }
no_account() {
  locked userdel --force "$1" >/dev/null 2>&1 || true
  rm -rf "/home/${1:?}"
}
silent() {
  start "$1" /bin/sh -c 'exec /usr/bin/python3 "$0" "$@" >"$1.ready"' "${HERE%/*}/silent_file_system.py" "$2" "$3"
  await test -s "$2.ready"
}
serve() {
  printf 'import socket, time\n%s\nopen("%s/ready", "w").close()\ntime.sleep(900)\n' "$2" "$HERE" >"$HERE/serve.py"
  start "$1" /usr/bin/python3 "$HERE/serve.py"
  await test -e "$HERE/ready"
}
