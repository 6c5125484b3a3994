#!/bin/sh
# Make .venv from requirements.lock with the given Python: uv when it works (seconds), plain pip when not.
# 建立 .venv：能用 uv 就用 uv（几秒），否则用 pip。
set -eu
python=${1:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "fieldgate needs Python 3.11 or newer; name one:  make PYTHON=python3.12 demo"
    echo "需要 Python 3.11 或更新版本，请指明，例如：make PYTHON=python3.12 demo"
    exit 1
}
"$python" -m pip --version >/dev/null 2>&1 || {
    echo "pip is missing; install it once (缺少 pip，请先安装):  sudo apt-get install -y python3-pip"
    exit 1
}

echo "fieldgate: making the environment in .venv (正在建立运行环境) ..."
.venv/bin/python -c "" 2>/dev/null || "$python" -m venv --clear --without-pip .venv

pip_install() {
    "$python" -m pip --python .venv install -qq --disable-pip-version-check --no-warn-script-location "$@"
}

# The lock pins uv itself by hash, so even the fast path installs nothing that is not pinned.
only_uv=.venv/uv.lock
awk '/^[^ #]/ { taken = /^uv==/ } taken' requirements.lock >"$only_uv"

with_uv() {
    pip_install --require-hashes --requirement "$only_uv" &&
        VIRTUAL_ENV=$PWD/.venv .venv/bin/uv pip sync --quiet --require-hashes requirements.lock
}

with_uv 2>.venv/uv.log || {
    echo "fieldgate: uv cannot be used here, pip takes over (改用 pip，稍慢) ..."
    pip_install --require-hashes --requirement requirements.lock
}
pip_install --no-deps --no-build-isolation --editable .
