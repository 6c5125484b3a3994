#!/bin/sh
# Install the Debian programs that `make test-peers` tests against; does nothing when all are there.
# 安装 make test-peers 所需的第三方程序；已齐全则什么都不做。
set -eu
peers="gammu smstools strace systemd tshark"

missing=""
for package in $peers; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
    as_root="env"
elif sudo -n true 2>/dev/null; then
    as_root="sudo env"
else
    echo "missing peers; install them once (缺少第三方程序，请先安装):  sudo $install"
    exit 1
fi
echo "installing$missing ..."
$as_root apt-get update -qq
$as_root DEBIAN_FRONTEND=noninteractive $install -qq >/dev/null
