#!/usr/bin/env bash
# Packs every library and validates the packages: licence, readme, description, icon, XML documentation, symbols, reproducible build.
# The SDK's package validation (API compatibility) runs as part of the pack. Builds in a directory of its own, because an incremental
# build would reuse assemblies that were compiled without CI=true.
#   eng/pack.sh      the packages are in artifacts/pack/package/release
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

rm -rf artifacts/pack
for library in Raft Kv Node Server Verification; do
  CI=true dotnet pack "src/Quorate.$library" -c Release -v q --artifacts-path artifacts/pack
done
dotnet run eng/packaging/ValidatePackages.cs -- artifacts/pack/package/release
