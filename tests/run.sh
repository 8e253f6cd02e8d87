#!/usr/bin/env bash
# Runs every test. The last line says what could not be run on this machine: a skip must not look like a pass.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
mkdir -p .cache
rm -f .cache/not-run
status=0
nox() { python -m nox --reuse-existing-virtualenvs --no-error-on-missing-interpreters "$@"; }

if [ "$(id -u)" = 0 ] && [ -x /usr/bin/apt-get ]; then
  tests/packages.sh debootstrap systemd-container openssh-client iproute2 rpm || status=1
fi
command -v rpmbuild >/dev/null || echo "packages of RPM, which rpmbuild makes for the tests" >>.cache/not-run
# The lab's file systems are fetched while the processor is busy with the rest. One stream: some tests hold the code to a processor time.
python tests/lab/fleet.py up >.cache/lab.log 2>&1 &
lab_up=$!
nox --session static unit target sanity || status=1
wait "$lab_up"
lab=$?
case $lab in
  0) LAB_KEEP=1 nox --session lab || status=1 ;;
  3) sed -n '2,$p' .cache/lab.log | tr '\n' ' ' | sed 's/^/the lab, on which triage is tested against real hosts: /; s/ *$/\n/' >>.cache/not-run ;;
  *) cat .cache/lab.log; status=1 ;;
esac
[ "${LAB_KEEP:-}" = 1 ] || python tests/lab/fleet.py down || status=1

[ "$status" = 0 ] && verdict="Passed" || verdict="FAILED"
if [ -s .cache/not-run ]; then
  echo "$verdict. NOT TESTED on this machine: $(paste -sd ';' .cache/not-run)"
else
  echo "$verdict. Everything was tested."
fi
exit "$status"
