#!/usr/bin/env bash
# Builds samples/Dictionary outside the repository against the packages of eng/pack.sh, as a native program with warnings as errors, and
# tests it as three processes: a write on one is read on another, the others continue when one is killed, and it catches up. Uses the
# sample's ports, 7111 to 7113.
#   eng/pack.sh && eng/package-smoke.sh
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
packages=$PWD/artifacts/pack/package/release
console=$(sed -n 's/.*"Microsoft.Extensions.Logging.Console" Version="\([^"]*\)".*/\1/p' Directory.Packages.props)
[ -f "$packages/Quorate.Node.0.2.0.nupkg" ] || { echo "package-smoke: no package in $packages; run eng/pack.sh first" >&2; exit 2; }

work=$(mktemp -d)
declare -A pid
trap '[ ${#pid[@]} = 0 ] || kill -KILL "${pid[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT

cp samples/Dictionary/Program.cs "$work"
cat >"$work/nuget.config" <<END
<configuration><packageSources><add key="quorate" value="$packages" /></packageSources></configuration>
END
# A folder of its own for restored packages: the shared one may hold an earlier build of the same version.
cat >"$work/Dictionary.csproj" <<END
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <Nullable>enable</Nullable>
    <ImplicitUsings>enable</ImplicitUsings>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
    <PublishAot>true</PublishAot>
    <InvariantGlobalization>true</InvariantGlobalization>
    <RestorePackagesPath>$work/packages</RestorePackagesPath>
    <RestoreFallbackFolders>${NUGET_PACKAGES:-$HOME/.nuget/packages}</RestoreFallbackFolders>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="Quorate.Node" Version="0.2.0" />
    <PackageReference Include="Microsoft.Extensions.Logging.Console" Version="$console" />
  </ItemGroup>
</Project>
END
cd "$work"
dotnet publish -c Release -r linux-x64 -v q -o out

fail() { echo "package-smoke: $*" >&2; tail -n +1 log.* >&2; exit 1; }

start() { # MEMBER; its standard input is file descriptor 1MEMBER
  [ -p "in.$1" ] || mkfifo "in.$1"
  (exec 11>&- 12>&- 13>&-; exec out/Dictionary "$1" <"in.$1" >>"log.$1" 2>&1) &
  pid[$1]=$!
  eval "exec 1$1>in.$1"
}

ask() { # MEMBER COMMAND EXPECTED: types a command and waits until its answer is in the output
  local before now
  before=$(grep -c -- "$3" "log.$1" || true)
  eval 'echo "$2" >&1'"$1"
  for _ in $(seq 300); do
    now=$(grep -c -- "$3" "log.$1" || true)
    [ "$now" = "$before" ] || return 0
    kill -0 "${pid[$1]}" 2>/dev/null || fail "process $1 exited"
    sleep 0.1
  done
  fail "process $1 did not answer '$2' with '$3' in 30 s"
}

exec 11>/dev/null 12>/dev/null 13>/dev/null
start 1; start 2; start 3
ask 1 'put colour dark red' 'Outcome = Committed'
ask 2 'get colour' '^dark red$'
kill -KILL "${pid[1]}"; wait "${pid[1]}" 2>/dev/null || true
ask 2 'put colour blue' 'Outcome = Committed'
ask 3 'get colour' '^blue$'
start 1
ask 1 'get colour' '^blue$'
ask 1 'remove colour' 'Outcome = Committed'
ask 3 'get colour' '^(none)$'
grep -q 'is the leader' log.1 || fail "the log of the node is not visible"
exec 11>&- 12>&- 13>&-
for member in 1 2 3; do
  wait "${pid[$member]}" || fail "process $member exited with $? at the end of its input"
  unset "pid[$member]"
done
echo "package-smoke: passed"
