#!/bin/sh
# Installs what is missing, once: system libraries (Debian, Ubuntu) and .venv from the lock file.
#   sh tools/setup.sh run    what the portal needs
#   sh tools/setup.sh test   what the tests need as well (a browser, test libraries, and where npm is, what builds the script for websites)
# Where it may not install, it says exactly what to type. A second run finds its marks and ends at once.
set -eu
cd "$(dirname "$0")/.."
kind=${1:-run}
lock=requirements.lock
[ "$kind" = test ] && lock=requirements-test.lock

packages="libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-noto-core"
[ "$kind" = test ] && packages="$packages libatomic1" # Playwright's Node needs it
[ "$kind" = test ] && ! command -v strace >/dev/null 2>&1 && packages="$packages strace"
[ "$kind" = test ] && ! command -v openssl >/dev/null 2>&1 && packages="$packages openssl"
[ "$kind" = test ] && [ -z "${CHROMIUM:-}" ] && ! command -v chromium-headless-shell >/dev/null 2>&1 && packages="$packages chromium-headless-shell"

python=${PYTHON3:-python3}
command -v "$python" >/dev/null 2>&1 || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; $python is $("$python" -V). Name another one with PYTHON3=…"; exit 1; }

missing_packages() {
  for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
  done
}

install_packages() {
  wanted=$(missing_packages)
  [ -z "$wanted" ] && return 0
  as_root=""
  if [ "$(id -u)" != 0 ]; then
    if ! sudo -n true 2>/dev/null && ! [ -t 0 ]; then
      echo "These system packages are missing and we may not install them. Please type:"
      echo "  sudo apt-get install $wanted"
      exit 1
    fi
    as_root=sudo
  fi
  echo "Installing $wanted"
  $as_root apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $wanted >/dev/null
}

if command -v dpkg-query >/dev/null 2>&1; then
  if [ "$kind" = test ] && grep -qi ubuntu /etc/os-release 2>/dev/null; then
    # Ubuntu's Chromium is a snap, which runs nowhere without a desktop session.
    packages=$(echo "$packages" | sed 's/ chromium-headless-shell//')
  fi
  install_packages
else
  case "$(uname)" in
    Darwin) command -v pango-view >/dev/null 2>&1 || { echo "Please type:  brew install pango"; exit 1; } ;;
    *) echo "Not Debian or Ubuntu: if PDFs fail, install your system's packages of pango, harfbuzz and Noto fonts." ;;
  esac
fi

mark=.venv/installed-$kind
if [ ! -e "$mark" ] || [ "$lock" -nt "$mark" ]; then
  [ -x .venv/bin/python ] || "$python" -m venv .venv || { echo "The venv module is missing. Please type:  sudo apt-get install python3-venv"; rm -rf .venv; exit 1; }
  echo "Installing Python packages into .venv (about a minute)"
  # A new pip first: the one that comes with Python 3.11 takes a minute longer. Compiling uses all cores, pip would use one.
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-pip.lock
  .venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps --no-compile -r "$lock"
  .venv/bin/python -m compileall -qq -j 0 .venv/lib || true # what does not compile is no module of ours
  .venv/bin/python -c 'import pathlib, site; pathlib.Path(site.getsitepackages()[0], "portal-checkout.pth").write_text(str(pathlib.Path.cwd()))'
  printf '#!/bin/sh\nexec "$(dirname "$0")/python" -m portal.cli "$@"\n' > .venv/bin/portal && chmod +x .venv/bin/portal
  touch "$mark"
  [ "$kind" = test ] && touch .venv/installed-run
fi

if [ "$kind" = test ] && [ -z "${CHROMIUM:-}" ] && ! command -v chromium-headless-shell >/dev/null 2>&1 && ! command -v chromium >/dev/null 2>&1; then
  .venv/bin/python -m playwright install --only-shell chromium >/dev/null 2>&1 || {
    echo "No Chromium for the browser tests. Install one and name it:  CHROMIUM=/path/to/chromium make test"
    exit 1
  }
fi

if [ "$kind" = test ]; then
  installed=portal/widget/node_modules/.package-lock.json # npm's own mark
  if ! command -v npm >/dev/null 2>&1; then
    echo "Without npm the tests that build the script for websites again are skipped."
  elif [ ! -e "$installed" ] || [ portal/widget/package-lock.json -nt "$installed" ]; then
    echo "Installing what builds the script for websites into portal/widget/node_modules"
    (cd portal/widget && npm ci --silent --ignore-scripts && touch node_modules/.package-lock.json) ||
      echo "npm could not; the tests that build the script for websites again are skipped."
  fi
fi

has_mariadb() (PATH="$PATH:/usr/sbin"; command -v mariadbd && command -v my_print_defaults) >/dev/null 2>&1
if [ "$kind" = test ] && ! has_mariadb && [ ! -e .venv/no-mariadb ]; then
  # Only the server's own programs: the package without -core would start one with the system. The client's core brings what
  # makes a new data folder. Asked for once.
  packages="mariadb-server-core mariadb-client-core"
  { command -v dpkg-query >/dev/null 2>&1 && (install_packages); } || {
    echo "Without MariaDB's server (Debian: mariadb-server-core, mariadb-client-core) the tests on it are skipped."
    touch .venv/no-mariadb
  }
fi
exit 0
