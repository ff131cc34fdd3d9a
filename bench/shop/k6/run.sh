#!/usr/bin/env bash
# All eighteen cells on one server:  run.sh http://127.0.0.1:9926 RESULTS-FOLDER
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
url=$1
results=$2
mkdir -p "$results"
for think in 1 0; do
  for page in Home PLP PDP; do
    for users in 20 200 2000; do
      k6 run -e URL="$url" -e PAGE="$page" -e USERS="$users" -e THINK="$think" \
        --summary-export "$results/$page-$users-think-$think.json" "$here/shop.js"
    done
  done
done
