#!/usr/bin/env bash
# Build, format, tests: green before a commit.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
dotnet build -c Release
dotnet test -c Release --no-build --ignore-exit-code 8
